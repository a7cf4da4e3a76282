import { UnmaskError } from "../core/errors.ts";
import type { Denoiser, ForwardRequest } from "../core/types.ts";
import type { Manifest } from "../model/manifest.ts";
import type { RowReducer } from "./rows.ts";
import type { GraphSession, LogitsOutput } from "./session.ts";

export interface DenoiserParts {
  readonly session: GraphSession;
  readonly rows: RowReducer;
  readonly manifest: Pick<Manifest, "vocab" | "tokens" | "maxCanvas" | "logitsShift">;
  /** Rejects when the device is lost. */
  readonly lost?: Promise<never>;
  /** Frees the device. */
  readonly free?: () => void;
}

/**
 * The model as a {@link Denoiser}: a full forward a canvas, statistics of the wanted rows only.
 * Families with shifted logits read row r from position r - 1 (row 0 from itself).
 */
export function createDenoiser({ session, rows, manifest, lost, free }: DenoiserParts): Denoiser {
  const { vocab, maxCanvas, logitsShift } = manifest;
  const never = lost ?? new Promise<never>(() => {});
  never.catch(() => {});
  let indices = new Int32Array(0);
  let disposed: Promise<void> | undefined;

  const forward: Denoiser["forward"] = async (request) => {
    if (disposed !== undefined) throw new UnmaskError("disposed", "The model was closed.");
    check(request, maxCanvas);
    if (indices.length !== request.rows.length) indices = new Int32Array(request.rows.length);
    for (let r = 0; r < indices.length; r++) indices[r] = Math.max(0, request.rows[r]! - logitsShift);
    const outputs: LogitsOutput[] = [];
    try {
      for (const canvas of request.canvases) outputs.push(await session.run(canvas, indices));
      return await rows.reduce(outputs, request);
    } finally {
      for (const output of outputs) output.dispose();
    }
  };
  return {
    vocab,
    maskId: manifest.tokens.mask,
    maxCanvas,
    forward: (request) => Promise.race([forward(request), never]),
    dispose: () => {
      disposed ??= (async () => {
        rows.dispose();
        await session.release();
        free?.();
      })();
      return disposed;
    },
  };
}

function check({ canvases, rows, guidance, attention, kv }: ForwardRequest, maxCanvas: number): void {
  const expected = guidance.kind === "cfg" ? 2 : 1;
  const length = canvases[0]?.length ?? 0;
  if (kv !== null) throw new UnmaskError("internal", "Cached forwards are not part of this version.");
  if (attention.kind !== "full") {
    throw new UnmaskError("internal", "Block-causal attention is not part of this version.");
  }
  if (canvases.length !== expected || canvases.some((canvas) => canvas.length !== length)) {
    throw new UnmaskError(
      "internal",
      `A forward got ${canvases.length} canvases where ${expected} of one length belong.`,
    );
  }
  if (length === 0 || length > maxCanvas || rows.some((row) => row < 0 || row >= length)) {
    throw new UnmaskError("internal", `A forward over ${length} rows does not fit a canvas of ${maxCanvas}.`);
  }
}
