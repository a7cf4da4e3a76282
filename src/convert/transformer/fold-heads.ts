import type { Matrix } from "../weights/weights.ts";
import type { Linear, ModelFacts } from "./transformer.ts";

/**
 * Grouped query heads are folded into the sequence (runtime-graph.md section 1): bidirectional attention treats query
 * rows independently, so `[S, rep * kvHeads]` heads become `[S * rep, kvHeads]` by a reshape, once they stand in the
 * order `h' = r * kvHeads + g` instead of `h = g * rep + r`. Rows of q and columns of o are reordered to that end.
 */

type Heads = Pick<ModelFacts, "heads" | "kvHeads" | "headDim">;

/** The query projection with its heads in folded order. */
export function foldQuery({ matrix, bias }: Linear, facts: Heads): Linear {
  if (facts.heads === facts.kvHeads) return bias === undefined ? { matrix } : { matrix, bias };
  return {
    matrix: loadedBy(matrix, async () => foldRows(await matrix.load(), facts, matrix.k)),
    ...(bias && { bias: { ...bias, load: async () => foldRows(await bias.load(), facts, 1) } }),
  };
}

/**
 * Reordering the columns of o keeps its quantisation blocks whole only when a head is a whole number of them; otherwise
 * the graph reorders the activations instead.
 */
export function foldsInWeights({ headDim }: Heads): boolean {
  return headDim % 32 === 0;
}

/** The output projection that takes folded heads, where {@link foldsInWeights}. */
export function foldOutput(linear: Linear, facts: Heads): Linear {
  if (facts.heads === facts.kvHeads || !foldsInWeights(facts)) return linear;
  const { matrix } = linear;
  const load = async () => {
    const weights = await matrix.load();
    const out = new Float32Array(weights.length);
    for (let at = 0; at < weights.length; at += matrix.k) {
      out.set(foldRows(weights.subarray(at, at + matrix.k), facts, 1), at);
    }
    return out;
  };
  return { ...linear, matrix: loadedBy(matrix, load) };
}

/** Where row (or column) `at` of heads in their own order stands in folded order. */
export function foldedAt(at: number, { heads, kvHeads, headDim }: Heads): number {
  const rep = heads / kvHeads;
  const head = Math.floor(at / headDim);
  return ((head % rep) * kvHeads + Math.floor(head / rep)) * headDim + (at % headDim);
}

/** `matrix` with other values; its `rows` would still be the old ones. */
function loadedBy({ name, n, k }: Matrix, load: Matrix["load"]): Matrix {
  return { name, n, k, load };
}

/** Reorders head-sized groups of rows; `columns` is the row length. */
function foldRows(weights: Float32Array, { heads, kvHeads, headDim }: Heads, columns: number): Float32Array {
  const rep = heads / kvHeads;
  const out = new Float32Array(weights.length);
  const size = headDim * columns;
  for (let g = 0; g < kvHeads; g++) {
    for (let r = 0; r < rep; r++) {
      const from = (g * rep + r) * size;
      out.set(weights.subarray(from, from + size), (r * kvHeads + g) * size);
    }
  }
  return out;
}
