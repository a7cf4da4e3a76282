/**
 * Kendall's tau of two orders of the same things: 1 where they agree, -1 where one is the other reversed. Without ties.
 * Kendall, A new measure of rank correlation (1938). NaN for fewer than two things.
 *
 * @param first every thing once
 * @param second the same things
 */
export function kendallTau(first: readonly number[], second: readonly number[]): number {
  const place = new Map(second.map((thing, at) => [thing, at]));
  let agreeing = 0;
  for (let i = 0; i < first.length; i++) {
    for (let j = i + 1; j < first.length; j++) {
      agreeing += Math.sign(place.get(first[j]!)! - place.get(first[i]!)!);
    }
  }
  return agreeing / ((first.length * (first.length - 1)) / 2);
}
