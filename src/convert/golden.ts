import { UnmaskError } from "../core/errors.ts";
import type { Manifest } from "../model/manifest.ts";
import { openGraph } from "./run-graph.ts";
import type { ModelFacts } from "./transformer.ts";

/** The golden forward of a bundle: what its own graphs answer, so that a device that computes wrongly is found at load. */

type GoldenVariant = Manifest["golden"]["byVariant"][string];

const LENGTH = 24;
const TOP = 8;

/** Every other token masked, the rest spread over the vocabulary. Deterministic; never special ids above `size`. */
export function goldenIds(mask: number, vocab: number): number[] {
  return Array.from({ length: LENGTH }, (_, i) => (i % 2 === 1 ? mask : (i * 7919 + 13) % vocab));
}

/**
 * Runs one variant over `ids` with everything visible (a zero bias where the graph takes one) and keeps the eight best
 * ids and logits of every row.
 *
 * @throws UnmaskError `checkpoint-unsupported` when the answer is not finite, as when f16 overflows.
 */
export async function goldenForward(
  graph: Uint8Array,
  data: readonly { readonly path: string; readonly data: Uint8Array }[],
  model: Pick<ModelFacts, "layers" | "heads" | "kvHeads" | "headDim" | "vocab" | "attention">,
  ids: readonly number[],
  dtype: string,
  optimization?: "disabled",
): Promise<GoldenVariant> {
  const type = dtype === "f16" ? "f16" : "f32";
  const runner = await openGraph(graph, data, {
    layers: model.layers,
    kvWidth: model.kvHeads * model.headDim,
    type,
    ...(optimization && { optimization }),
  });
  try {
    const rows = ids.map((_, row) => row);
    const rep = model.heads / model.kvHeads;
    const bias =
      model.attention.kind === "full" ? undefined : new Float32Array(ids.length * rep * ids.length);
    const { logits } = await runner.run({ ids, positions: rows, rows, ...(bias && { bias }) });
    if (!logits.every((value) => Number.isFinite(value))) {
      const message = `The ${dtype} build of this model gives logits that are not finite; use another dtype.`;
      throw new UnmaskError("checkpoint-unsupported", message, { detail: { dtype } });
    }
    const best = rows.map((row) => topOf(logits.subarray(row * model.vocab, (row + 1) * model.vocab)));
    const largest = logits.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    return {
      topIds: best.map((row) => row.map(({ id }) => id)),
      topLogits: best.map((row) => row.map(({ logit }) => Number(logit.toFixed(5)))),
      tolerance: Number(toleranceOf(dtype, largest).toPrecision(2)),
    };
  } finally {
    await runner.dispose();
  }
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

function topOf(logits: Float32Array): { id: number; logit: number }[] {
  const order = Array.from(logits, (logit, id) => ({ id, logit }));
  return order.sort((a, b) => b.logit - a.logit || a.id - b.id).slice(0, TOP);
}
