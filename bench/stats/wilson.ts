/**
 * Wilson score interval of a share at 95 %: honest at small counts and near 0 and 1, where the normal interval is not.
 * Wilson, Probable inference (1927). Returns [0, 1] for an empty sample.
 */
export function wilson(successes: number, trials: number): readonly [low: number, high: number] {
  if (trials === 0) return [0, 1];
  const z = 1.959964;
  const share = successes / trials;
  const shrink = 1 + (z * z) / trials;
  const centre = share + (z * z) / (2 * trials);
  const spread = z * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials));
  return [Math.max(0, (centre - spread) / shrink), Math.min(1, (centre + spread) / shrink)];
}
