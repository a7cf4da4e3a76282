import { UnmaskError } from "../../core/errors.ts";
import type { Manifest } from "../../model/manifest.ts";
import type { GraphRunner } from "../graph/run-graph.ts";
import type { Transformer } from "../transformer/transformer.ts";
import { type ReferenceWeights, referenceForward } from "./reference.ts";

/**
 * The golden forward of a bundle: logits that its graphs must give on every device, so that one that computes wrongly is
 * found at load.
 */

type GoldenVariant = Manifest["golden"]["byVariant"][string];

const LENGTH = 24;
const TOP = 8;
const MAX_HALF = 65_504;
/** Products and joins of most families, for the progress. */
const STEPS_OF_LAYER = 9;

/** Every other token masked, the rest spread over the vocabulary. Deterministic; never special ids above `size`. */
export function goldenIds(mask: number, vocab: number): number[] {
  return Array.from({ length: LENGTH }, (_, i) => (i % 2 === 1 ? mask : (i * 7919 + 13) % vocab));
}

/**
 * What a converted model must answer to `ids` with everything visible, by the float64 forward on the weights that were
 * written. No runtime and no whole model is needed for it, and no bug of a kernel gets into the record.
 *
 * @param base the record of the build that this one rounds once more. Machines that differ in the last bit round some
 *   activations to other codes and end as far from each other as rounding took both from `base`; twice that is allowed.
 * @throws UnmaskError `checkpoint-unsupported` when the answer is not finite, as when f16 overflows.
 */
export async function referenceGolden(
  model: Transformer,
  weights: ReferenceWeights,
  ids: readonly number[],
  dtype: string,
  progress: (share: number) => void,
  base?: GoldenVariant,
): Promise<GoldenVariant> {
  const limit = dtype === "f16" ? MAX_HALF : 3.4e38;
  const steps = STEPS_OF_LAYER * model.layers.length + 1;
  let done = 0;
  const watch = (x: Float64Array) => {
    for (const value of x) if (!(Math.abs(value) <= limit)) throw notFinite(dtype);
    progress(Math.min(1, ++done / steps));
  };
  const positions = ids.map((_, row) => row);
  const logits = await referenceForward(model, { ids, positions }, { ...weights, watch });
  const found = record(logits, model.facts.vocab, ids.length, dtype);
  if (base === undefined) return found;
  let noise = 0;
  for (const [row, top] of base.topIds.entries()) {
    for (const [i, id] of top.entries()) {
      const moved = Math.abs(logits[row * model.facts.vocab + id]! - base.topLogits[row]![i]!);
      noise = Math.max(noise, moved);
    }
  }
  return { ...found, tolerance: Math.max(found.tolerance, Number((2 * noise).toPrecision(2))) };
}

/**
 * The same of a graph that this project did not make: what it answers on onnxruntime's WASM.
 *
 * @param masked whether it takes an attention bias; it gets zeros
 * @throws UnmaskError `checkpoint-unsupported` when the answer is not finite
 */
export async function graphGolden(
  runner: GraphRunner,
  vocab: number,
  ids: readonly number[],
  dtype: string,
  masked: boolean,
): Promise<GoldenVariant> {
  const rows = ids.map((_, row) => row);
  const bias = masked ? new Float32Array(ids.length ** 2) : undefined;
  const { logits } = await runner.run({ ids, positions: rows, rows, ...(bias && { bias }) });
  if (!logits.every((value) => Number.isFinite(value))) throw notFinite(dtype);
  return record(logits, vocab, ids.length, dtype);
}

function notFinite(dtype: string): UnmaskError {
  const message = `The ${dtype} build of this model gives logits that are not finite; use another dtype.`;
  return new UnmaskError("checkpoint-unsupported", message, { detail: { dtype } });
}

/** The eight best ids and logits of each of `rows` rows. */
function record(
  logits: Float32Array | Float64Array,
  vocab: number,
  rows: number,
  dtype: string,
): GoldenVariant {
  const best = Array.from({ length: rows }, (_, row) => {
    const values = logits.subarray(row * vocab, (row + 1) * vocab);
    return topOf(values).map((id) => ({ id, logit: values[id]! }));
  });
  let largest = 0;
  for (const value of logits) largest = Math.max(largest, Math.abs(value));
  return {
    topIds: best.map((row) => row.map(({ id }) => id)),
    topLogits: best.map((row) => row.map(({ logit }) => Number(logit.toFixed(5)))),
    tolerance: Number(toleranceOf(dtype, largest).toPrecision(2)),
  };
}

/** The record of a build whose weights are those of `exact` and whose activations are f16. */
export function halfGolden(exact: GoldenVariant): GoldenVariant {
  const largest = exact.topLogits.flat().reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  return { ...exact, tolerance: Number(toleranceOf("f16", largest).toPrecision(2)) };
}

/**
 * How far another device may be off. f32 arithmetic differs by about 1e-5 of the largest logit, f16 by 1e-3, int8 by a
 * few flipped codes; wrong kernels are off by a tenth of it or more.
 */
function toleranceOf(dtype: string, largest: number): number {
  if (dtype === "f16") return 0.02 + 0.02 * largest;
  if (dtype === "int8") return 0.02 + 0.01 * largest;
  return 0.005 + 0.001 * largest;
}

/** Ids of the largest values, best first, the lower id where they are equal. */
function topOf(values: Float32Array | Float64Array): number[] {
  const best: number[] = [];
  for (let id = 0; id < values.length; id++) {
    const value = values[id]!;
    if (best.length === TOP && value <= values[best[TOP - 1]!]!) continue;
    let at = best.length;
    while (at > 0 && values[best[at - 1]!]! < value) at--;
    best.splice(at, 0, id);
    if (best.length > TOP) best.pop();
  }
  return best;
}
