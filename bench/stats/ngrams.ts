/** Runs of `n` neighbours of a text, as keys; none in a text that is shorter. */
function ngrams(ids: readonly number[], n: number): string[] {
  return Array.from({ length: Math.max(0, ids.length - n + 1) }, (_, i) => ids.slice(i, i + n).join());
}

/**
 * distinct-n: different n-grams over all n-grams of a set of texts (Li et al., A diversity-promoting objective
 * function, 2016). 0 when no text has one.
 */
export function distinctShare(texts: readonly (readonly number[])[], n: number): number {
  const all = texts.flatMap((ids) => ngrams(ids, n));
  return all.length === 0 ? 0 : new Set(all).size / all.length;
}

/** Share of a text's n-grams that already stood earlier in it; 0 when it has none. */
export function repeatedShare(ids: readonly number[], n: number): number {
  const all = ngrams(ids, n);
  return all.length === 0 ? 0 : 1 - new Set(all).size / all.length;
}
