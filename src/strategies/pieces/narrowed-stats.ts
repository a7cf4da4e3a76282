import type { RowStats } from "../../core/types.ts";

/** Statistics of rows some of whose tokens must not be written. */

/** A token of a row and its logit. */
export interface Choice {
  readonly id: number;
  readonly logit: number;
}

/**
 * The statistics without what must not be written, at the probabilities that the model gives what is left: nothing is
 * normalised anew, so a row whose best token is ruled out shows how little the model thinks of the others. Its entropy
 * is then at least what its best allowed token costs, `-ln p`: being sure of a token that cannot be written says nothing
 * about the one that will be. A row without an allowed token among those listed has no finite logit.
 *
 * @param k tokens to list of each row
 * @param temperature of the distribution that `temperedEntropy` is about
 * @returns a copy of what differs, or may: see {@link relist}; the rest is that of `stats`
 */
export function narrowedStats(
  stats: RowStats,
  k: number,
  temperature: number,
  isAllowed: (row: number, id: number) => boolean,
): RowStats {
  const { rows, topIds, topLogits, entropy, temperedEntropy, gatherLogits } = stats;
  const narrowed: RowStats = {
    ...stats,
    k,
    topIds: new Int32Array(rows.length * k),
    topLogits: new Float64Array(rows.length * k),
    sampledIds: stats.sampledIds.slice(),
    sampledLogits: stats.sampledLogits.slice(),
    ...(entropy && { entropy: entropy.slice() }),
    ...(temperedEntropy && { temperedEntropy: temperedEntropy.slice() }),
    ...(gatherLogits && { gatherLogits: gatherLogits.slice() }),
  };
  for (const [r, row] of rows.entries()) {
    const first = r * stats.k;
    narrowed.topIds.set(topIds.subarray(first, first + k), r * k);
    narrowed.topLogits.set(topLogits.subarray(first, first + k), r * k);
    const isFree = narrowed.topIds.subarray(r * k, (r + 1) * k).every((id) => isAllowed(row, id));
    if (isFree && isAllowed(row, stats.sampledIds[r]!)) continue;
    const choices: Choice[] = [];
    for (let at = first; at < first + stats.k && choices.length < k; at++) {
      const [id, logit] = [topIds[at]!, topLogits[at]!];
      if (logit > Number.NEGATIVE_INFINITY && isAllowed(row, id)) choices.push({ id, logit });
    }
    const isSampled = isAllowed(row, stats.sampledIds[r]!);
    relist(narrowed, r, choices, temperature, isSampled);
  }
  return narrowed;
}

/**
 * Makes `choices` the listed tokens of statistics row `r`; places beyond them have no logit.
 *
 * @param stats changed: those of {@link narrowedStats}, or a copy of them
 * @param choices best first
 * @param keepsSampled what was drawn stays; else it becomes the first choice
 */
export function relist(
  stats: RowStats,
  r: number,
  choices: readonly Choice[],
  temperature: number,
  keepsSampled = false,
): void {
  const { k, topIds, topLogits, lse, temperedLse, entropy, temperedEntropy } = stats;
  const isOverruled = choices[0]?.id !== topIds[r * k];
  for (let place = 0; place < k; place++) {
    const choice = choices[place];
    if (choice !== undefined) topIds[r * k + place] = choice.id;
    topLogits[r * k + place] = choice?.logit ?? Number.NEGATIVE_INFINITY;
  }
  const best = topLogits[r * k]!;
  if (!keepsSampled) {
    stats.sampledIds[r] = topIds[r * k]!;
    stats.sampledLogits[r] = best;
  }
  if (!isOverruled || best === Number.NEGATIVE_INFINITY) return;
  if (entropy !== undefined) entropy[r] = Math.max(entropy[r]!, lse[r]! - best);
  if (temperedEntropy !== undefined) {
    temperedEntropy[r] = Math.max(temperedEntropy[r]!, temperedLse![r]! - best / temperature);
  }
}

/** Takes the logits of ids that must not be written from those that a sampler asked for, by row in its order. */
export function withoutGathered(
  { rows, gatherLogits }: RowStats,
  wanted: ReadonlyMap<number, readonly number[]> | undefined,
  isAllowed: (row: number, id: number) => boolean,
): void {
  if (wanted === undefined || gatherLogits === undefined) return;
  const width = gatherLogits.length / rows.length;
  for (const [r, row] of rows.entries()) {
    for (const [n, id] of (wanted.get(row) ?? []).entries()) {
      if (!isAllowed(row, id)) gatherLogits[r * width + n] = Number.NEGATIVE_INFINITY;
    }
  }
}
