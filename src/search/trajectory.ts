import type { RowStats } from "../core/types.ts";
import type { StepEvent } from "../strategies/decode.ts";
import type { Looks } from "../strategies/pieces/looks.ts";
import { positionOf } from "../strategies/rows.ts";

/** What a run leaves behind that says how sure the model was. Plain data: a run that forks copies it. */
export interface Trajectory {
  /** Log-probability of the token of each cell when it was written; NaN where the model wrote none. */
  readonly written: number[];
  readonly looks: Looks;
}

export function emptyTrajectory(cells: number): Trajectory {
  return { written: new Array<number>(cells).fill(Number.NaN), looks: new Map() };
}

/** Takes note of what a step did, in the order of its changes. `stats` are those it was decided by. */
export function noteStep({ written }: Trajectory, step: StepEvent, stats: RowStats | null): void {
  for (const { row, id, conf, reason } of step.commits) {
    written[row] = reason === "fill" && conf === null ? Number.NaN : logProbability(stats, row, id);
  }
  for (const { row } of step.remasks) written[row] = Number.NaN;
  for (const { row, id } of step.overwrites) written[row] = logProbability(stats, row, id);
  for (const { at, n } of step.inserts) written.splice(at, 0, ...new Array<number>(n).fill(Number.NaN));
  for (const { at, n } of step.deletes) written.splice(at, n);
}

/** Natural log at temperature 1; NaN for a token that the statistics do not list. */
function logProbability(stats: RowStats | null, row: number, id: number): number {
  const r = stats === null ? -1 : positionOf(stats.rows, row);
  if (stats === null || r < 0) return Number.NaN;
  if (stats.sampledIds[r] === id) return stats.sampledLogits[r]! - stats.lse[r]!;
  const place = stats.topIds.subarray(r * stats.k, (r + 1) * stats.k).indexOf(id);
  return place < 0 ? Number.NaN : stats.topLogits[r * stats.k + place]! - stats.lse[r]!;
}

/** Log-probability where none is known: about that of the least number above 0. */
export const HOPELESS = -744;

/** Mean log-probability of the tokens when they were written. */
export function meanConfidence({ written }: Trajectory): number {
  const known = written.filter((value) => Number.isFinite(value));
  return known.length === 0 ? HOPELESS : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/**
 * How settled the predictions of `rows` were: mean over the cells that were looked at of the share of looks at which the
 * model's best token was the one that stands there (1 - `osc` of the strategies note, section 7.2; arXiv 2406.09358 for
 * images). 1 when nothing was looked at.
 */
export function stability(
  { looks }: Trajectory,
  rows: ArrayLike<number>,
  ids: Int32Array,
  slots: Int32Array,
): number {
  let sum = 0;
  let cells = 0;
  for (const row of Array.from(rows)) {
    const seen = looks.get(slots[row]!);
    if (seen === undefined) continue;
    sum += seen.filter((id) => id === ids[row]).length / seen.length;
    cells++;
  }
  return cells === 0 ? 1 : sum / cells;
}
