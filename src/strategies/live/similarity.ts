/** Where a stream of inputs stands: plain data, handed from decision to decision. */
export interface StreamState {
  /** The input that was processed last; null before the first. */
  readonly processed: string | null;
  /** Inputs skipped since. */
  readonly skipped: number;
}

/** When a changed input is near enough to the last one to be skipped. */
export interface SimilarityOptions {
  /** Similarity from which on an input may be skipped. */
  readonly cosine: number;
  /** Different inputs in a row that may be skipped. */
  readonly mostSkips: number;
}

/** StreamDiffusion's settings. */
export const SIMILARITY_DEFAULTS: SimilarityOptions = { cosine: 0.98, mostSkips: 10 };

/** Before the first input. */
export const STREAM_START: StreamState = { processed: null, skipped: 0 };

/**
 * Whether a changed prompt needs a new run (stochastic similarity filter of StreamDiffusion, arXiv 2312.12491): an input
 * that is like the last processed one is skipped with probability `max(0, 1 - (1 - c) / (1 - cosine))`, so slow drift is
 * noticed in the end, and never more than `mostSkips` times in a row. An input that differs in nothing but spaces at its
 * ends is skipped always, which does not count: a text, unlike a camera, has no noise.
 *
 * @param draw uniform in `(0, 1)`; absent: skips whenever the similarity reaches `cosine` (the filter without chance)
 */
export function nextInput(
  state: StreamState,
  input: string,
  { cosine, mostSkips }: SimilarityOptions,
  draw?: number,
): { readonly action: "run" | "skip"; readonly state: StreamState } {
  const run = { action: "run", state: { processed: input, skipped: 0 } } as const;
  const { processed, skipped } = state;
  if (processed === null) return run;
  if (processed.trim() === input.trim()) return { action: "skip", state };
  if (skipped >= mostSkips) return run;
  const similarity = textCosine(processed, input);
  const isSkipped = draw === undefined ? similarity >= cosine : draw < skipChance(similarity, cosine);
  return isSkipped ? { action: "skip", state: { processed, skipped: skipped + 1 } } : run;
}

/** Probability to skip at a similarity. */
export function skipChance(similarity: number, cosine: number): number {
  if (cosine >= 1) return similarity >= 1 ? 1 : 0;
  return Math.max(0, 1 - (1 - similarity) / (1 - cosine));
}

/** Cosine of the counts of character trigrams, in `[0, 1]`; 1 for two empty texts. */
export function textCosine(a: string, b: string): number {
  const [countsA, countsB] = [trigrams(a), trigrams(b)];
  let dot = 0;
  for (const [gram, count] of countsA) dot += count * (countsB.get(gram) ?? 0);
  const norm = Math.sqrt(squares(countsA) * squares(countsB));
  return norm === 0 ? Number(countsA.size === countsB.size) : Math.min(1, dot / norm);
}

function trigrams(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  // Padded, so that first and last letters count as much as others.
  const padded = text.trim() === "" ? "" : `  ${text.trim().replaceAll(/\s+/g, " ")}  `;
  for (let i = 0; i + 3 <= padded.length; i++) {
    const gram = padded.slice(i, i + 3);
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

function squares(counts: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count * count;
  return sum;
}
