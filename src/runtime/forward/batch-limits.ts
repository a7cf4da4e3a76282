import type { Manifest } from "../../model/manifest.ts";
import { weightsOf } from "../../model/variant.ts";
import type { BackendKind } from "../../protocol.ts";
import type { RowReducer } from "../graph/rows.ts";
import type { GraphSession } from "../graph/session.ts";
import type { KvBuffers } from "../kv/kv-buffers.ts";
import type { BatchLimits } from "./batches.ts";

/**
 * Rows up to which several canvases in one run are faster than one after the other on WASM, by weights that were measured
 * (`unmask bench batch`, docs/decisions.md). Few rows of several canvases fill the blocks that a matrix product works in,
 * and weights in blocks of 4 bits are unpacked once a run; above, the processor has enough to do with one.
 */
const WASM_ROWS: Readonly<Record<string, number>> = { int8: 256, q4: 512 };
/** Logits on WASM are read as they are: this many bytes of them at once. */
const WASM_LOGIT_BYTES = 2 ** 25;

export interface BatchSetting {
  readonly backend: BackendKind;
  readonly variant: string;
  /** Undefined: where it is faster. */
  readonly asked: boolean | undefined;
  readonly manifest: Pick<Manifest, "maxCanvas" | "vocab">;
  /** Why this device must not; undefined: nothing speaks against it. */
  readonly refused: string | undefined;
  readonly session: Pick<GraphSession, "takesBatch" | "sameRows">;
  readonly rows: Pick<RowReducer, "maxRows">;
  readonly openBuffers: () => KvBuffers;
}

/** What a run may hold on this backend. It never takes more memory than the largest canvas of the model alone. */
export function batchLimits(setting: BatchSetting): BatchLimits {
  const { backend, variant, asked, refused, manifest, session, rows, openBuffers } = setting;
  const { maxCanvas, vocab } = manifest;
  const isGpu = backend === "webgpu";
  const fast = isGpu || asked === true ? maxCanvas : (WASM_ROWS[weightsOf(variant)] ?? 0);
  const off = session.takesBatch
    ? asked === false
      ? "it was asked for"
      : refused
    : "the graph computes one canvas at a time; convert the model again";
  return {
    ...(off === undefined ? {} : { off }),
    rows: Math.min(maxCanvas, fast),
    rowsWhy:
      fast < maxCanvas
        ? "so many rows are no faster together on WASM"
        : "together they have more rows than the largest canvas",
    pairs: maxCanvas * maxCanvas,
    logitRows: isGpu ? rows.maxRows : Math.floor(WASM_LOGIT_BYTES / (4 * vocab)),
    pastRows: Math.min(maxCanvas, openBuffers().maxRows),
    sameRows: session.sameRows,
  };
}
