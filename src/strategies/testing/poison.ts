import type { RowStats } from "../../core/types.ts";

/** Statistics in which every signal that was not asked for is there, as NaN; those of drafts too. */
export function withPoison(stats: RowStats): RowStats {
  const nothing = (): Float64Array => new Float64Array(stats.rows.length * 8).fill(Number.NaN);
  return {
    entropy: nothing(),
    currentLogits: nothing(),
    probeLogits: nothing(),
    gatherLogits: nothing(),
    klPrevious: nothing(),
    temperedLse: nothing(),
    temperedEntropy: nothing(),
    expected: new Int32Array(stats.rows.length).fill(-7),
    ...stats,
    ...(stats.drafts === undefined ? {} : { drafts: stats.drafts.map(withPoison) }),
  };
}
