import type { RowStats } from "../../core/types.ts";

/** Best tokens of each cell at the last looks at it, newest last, by slot. Plain data: a run that forks copies it. */
export type Looks = Map<number, number[]>;

/** Looks at a cell that are remembered (strategies note, section 7.2). */
const WINDOW = 8;

/** Takes note of a forward's best tokens; `slots` are those of the canvas that it was about. */
export function noteLooks(looks: Looks, slots: Int32Array, stats: RowStats): void {
  for (const [r, row] of stats.rows.entries()) {
    const slot = slots[row]!;
    const seen = looks.get(slot) ?? [];
    if (seen.length === WINDOW) seen.shift();
    seen.push(stats.topIds[r * stats.k]!);
    looks.set(slot, seen);
  }
}
