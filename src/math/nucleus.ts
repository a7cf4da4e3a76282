import type { NoiseRequest } from "../core/types.ts";

/**
 * How many of the best tokens survive top-k, then top-p: the smallest count whose tempered probability
 * `exp((l - max) / T) / sum exp((l - max) / T)` (over the whole row, float64) reaches `topP`, at least one.
 *
 * @param row all logits, `[vocab]`, suppression applied
 * @param best the `width` largest logits, descending
 * @returns the count, or `row.length` when `width` tokens do not reach `topP`: then the whole row competes
 */
export function nucleusSize(
  row: Float32Array,
  best: ArrayLike<number>,
  width: number,
  { temperature, topK, topP }: NoiseRequest,
): number {
  const limit = topK > 0 ? Math.min(topK, width) : width;
  if (topP >= 1) return topK > 0 ? limit : row.length;
  const top = best[0]!;
  // With top-k the probabilities are those of the kept tokens alone, as in the usual order of warpers.
  let total = 0;
  if (topK > 0) for (let n = 0; n < limit; n++) total += Math.exp((best[n]! - top) / temperature);
  else for (let id = 0; id < row.length; id++) total += Math.exp((row[id]! - top) / temperature);
  let reached = 0;
  for (let n = 0; n < limit; n++) {
    reached += Math.exp((best[n]! - top) / temperature);
    if (reached >= topP * total) return n + 1;
  }
  return topK > 0 ? limit : row.length;
}
