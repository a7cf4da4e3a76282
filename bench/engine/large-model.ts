import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { complement, range } from "../../src/cache/rows.ts";
import { nodeFolder } from "../../src/convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { type RandomShape, writeRandomCheckpoint } from "../../src/convert/random-checkpoint.ts";
import { nodeTarget } from "../../src/convert/target/node-target.ts";
import type { ForwardRequest } from "../../src/core/types.ts";
import { strideOf } from "../../src/runtime/gpu/row-layout.ts";
import { loadModel } from "../../src/runtime/open/load-model.ts";
import { nodePlatform } from "../../src/runtime/platform/platform-node.ts";
import { type Spread, spreadOf } from "../stats/spread.ts";
import { BLOCK, CANVAS, stopIf } from "./common.ts";

/** The shape of Qwen3-0.6B. */
export const QWEN3: RandomShape = {
  hidden: 1024,
  layers: 28,
  inter: 3072,
  heads: 16,
  kvHeads: 8,
  headDim: 128,
  vocab: 151_936,
};

/** What the readback target is stated for: 32 rows, 16 ids, 4 probes. */
const READBACK = { candidates: 0, width: 16, probes: 4, gather: 0, agrees: false };

export interface LargeCost {
  readonly layers: number;
  /** All rows, and the block over cached ones. */
  readonly full: Spread;
  readonly active: Spread;
  /** Bytes of the process that loading added: WASM memory and everything else. */
  readonly loadedBytes: number;
  /** JavaScript heap in use after the steps, and its arrays outside the heap, WASM memory among them. */
  readonly heap: { readonly used: number; readonly arrays: number };
  readonly bundleBytes: number;
}

export interface LargeReport {
  readonly shape: RandomShape;
  readonly measured: readonly LargeCost[];
  /** Milliseconds a step at all layers; `extrapolated` from fewer. */
  readonly stepMs: { readonly full: number; readonly active: number; readonly extrapolated: boolean };
  /** Read back from a GPU in a step. */
  readonly readbackBytes: number;
  /** Of the process, by loading the whole model. Null when fewer layers ran: the second takes what the first gave back. */
  readonly loadedBytes: number | null;
  /** On a GPU with q4 weights: weights, keys and values of the canvas, logits of a block. Computed, not measured. */
  readonly gpuBytes: { readonly weights: number; readonly cache: number; readonly logits: number };
}

/**
 * A model of random weights, converted and opened as any other. With fewer layers than the shape has, its cost is
 * extrapolated in a straight line through two counts of them: layers are alike.
 *
 * @param layers counts to measure, ascending; the last may be that of the shape
 */
export async function largeModel(
  shape: RandomShape,
  layers: readonly number[],
  rounds: number,
  { signal, status }: { readonly signal: AbortSignal; status(text: string): void },
): Promise<LargeReport> {
  const measured: LargeCost[] = [];
  for (const count of layers)
    measured.push(await measureOne({ ...shape, layers: count }, rounds, signal, status));
  const at = (of: (cost: LargeCost) => number) =>
    extrapolate(
      measured.map((cost) => [cost.layers, of(cost)]),
      shape.layers,
    );
  const extrapolated = measured.at(-1)?.layers !== shape.layers;
  const { kvHeads, headDim, vocab } = shape;
  return {
    shape,
    measured,
    stepMs: {
      full: at(({ full }) => full.median),
      active: at(({ active }) => active.median),
      extrapolated,
    },
    readbackBytes: 4 * BLOCK * strideOf(READBACK),
    loadedBytes: extrapolated ? null : (measured.at(-1)?.loadedBytes ?? null),
    gpuBytes: {
      weights: at(({ bundleBytes }) => bundleBytes),
      cache: 2 * 4 * shape.layers * CANVAS * kvHeads * headDim,
      logits: 4 * BLOCK * vocab,
    },
  };
}

/** The value at `x` of the line through the last two points, or of the last one where that is at `x`. */
export function extrapolate(points: readonly (readonly [x: number, y: number])[], x: number): number {
  const [before, last] = [points.at(-2), points.at(-1)];
  if (last === undefined) return Number.NaN;
  if (last[0] === x || before === undefined) return last[1];
  return last[1] + ((last[1] - before[1]) / (last[0] - before[0])) * (x - last[0]);
}

async function measureOne(
  shape: RandomShape,
  rounds: number,
  signal: AbortSignal,
  status: (text: string) => void,
): Promise<LargeCost> {
  const scratch = await mkdtemp(join(tmpdir(), "unmask-bench-large-"));
  try {
    const label = `${shape.layers} layers, vocabulary of ${shape.vocab}`;
    status(`random weights, ${label}`);
    await writeRandomCheckpoint(join(scratch, "source"), shape);
    const bundle = join(scratch, "bundle");
    await convertCheckpoint(nodeFolder(join(scratch, "source")), (key) => nodeTarget(bundle, key), {
      dtypes: ["q4", "int8"],
      profile: "mdlm",
      mask: shape.vocab - 1,
      name: "random",
      warn: () => {},
      progress: (text) => status(`${label}: ${text}`),
    });
    await rm(join(scratch, "source"), { recursive: true });
    const before = process.memoryUsage().rss;
    const model = await loadModel(nodePlatform(), bundle, { variant: "int8" }, () => {}, signal);
    try {
      const loadedBytes = process.memoryUsage().rss - before;
      status(`${label}: steps`);
      const step = stepper(model.denoiser.forward, shape.vocab - 1);
      await step.open();
      const times: { full: number[]; active: number[] } = { full: [], active: [] };
      for (let round = 0; round < rounds; round++) {
        stopIf(signal);
        times.full.push(await step.full());
        times.active.push(await step.active());
      }
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      const bundleBytes = model.info.bundleBytes;
      return {
        layers: shape.layers,
        full: spreadOf(times.full),
        active: spreadOf(times.active),
        loadedBytes,
        heap: { used: heapUsed, arrays: arrayBuffers },
        bundleBytes,
      };
    } finally {
      await model.denoiser.dispose();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A step of the middle block with 16 ids a row: over the whole canvas, and over cached rows. */
function stepper(forward: (request: ForwardRequest) => Promise<unknown>, mask: number) {
  const start = CANVAS / 2;
  const rows = range(start, start + BLOCK);
  const others = complement(CANVAS, rows);
  const none = new Int32Array(0);
  const canvas = Int32Array.from({ length: CANVAS }, (_, row) =>
    row < start ? (row * 31 + 7) % 2000 : mask,
  );
  const ask = async (kv: ForwardRequest["kv"]): Promise<number> => {
    const began = performance.now();
    await forward({
      canvases: [canvas],
      rows,
      attention: { kind: "full" },
      guidance: { kind: "none" },
      signals: { topK: READBACK.width, entropy: true, current: true, probe: [1, 2, 3, 4] },
      suppress: [mask],
      kv,
      promptLen: start,
    });
    return performance.now() - began;
  };
  return {
    open: () => ask({ queryRows: range(0, CANVAS), readRows: none, writeRows: others }),
    full: () => ask(null),
    active: async () => {
      await ask({ queryRows: range(0, CANVAS), readRows: none, writeRows: others });
      return ask({ queryRows: rows, readRows: others, writeRows: none });
    },
  };
}
