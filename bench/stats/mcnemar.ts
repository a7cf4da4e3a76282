/** Outcomes of two decoders on the same prompts: right with one only. Prompts both or neither solve say nothing. */
export interface Discordant {
  /** Right now, wrong with the baseline. */
  readonly gained: number;
  /** Wrong now, right with the baseline. */
  readonly lost: number;
}

/**
 * Exact two-sided McNemar test: the probability, under equal decoders, of a split of the discordant pairs at least as
 * uneven as this one. McNemar, Note on the sampling error (1947); exact binomial form. 1 without discordant pairs.
 */
export function mcnemar({ gained, lost }: Discordant): number {
  const pairs = gained + lost;
  const fewer = Math.min(gained, lost);
  // ln of C(pairs, i) / 2^pairs, from one term to the next: neither factor fits a double for large counts.
  let term = -pairs * Math.LN2;
  let tail = 0;
  for (let i = 0; i <= fewer; i++) {
    tail += Math.exp(term);
    term += Math.log((pairs - i) / (i + 1));
  }
  return Math.min(1, 2 * tail);
}

/** @param pairs whether each prompt was solved: now, and with the baseline */
export function discordant(pairs: readonly (readonly [now: boolean, baseline: boolean])[]): Discordant {
  return {
    gained: pairs.filter(([now, baseline]) => now && !baseline).length,
    lost: pairs.filter(([now, baseline]) => !now && baseline).length,
  };
}
