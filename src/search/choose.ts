/** Index of the best value, the first of equal ones; -1 of none. */
export function bestOf(values: readonly number[]): number {
  let best = -1;
  for (const [i, value] of values.entries()) if (best < 0 || value > values[best]!) best = i;
  return best;
}

/**
 * Index of the best value, or one drawn from the softmax of `values / alpha` with the uniform `u` (SVDD, arXiv
 * 2408.08252; its released code takes the best, `alpha` 0).
 */
export function choose(values: readonly number[], alpha: number, u: number): number {
  const best = bestOf(values);
  if (alpha === 0 || best < 0) return best;
  const weights = values.map((value) => Math.exp((value - values[best]!) / alpha));
  let reached = u * weights.reduce((sum, weight) => sum + weight, 0);
  const index = weights.findIndex((weight) => {
    reached -= weight;
    return reached < 0;
  });
  return index < 0 ? best : index;
}
