import { MASKED } from "../canvas.ts";
import { positionOf } from "../rows.ts";
import type { LengthControl, LengthEdit } from "../strategy.ts";

export interface EotpOptions {
  readonly eosIds: readonly number[];
  /** Probability that a predicted end needs before the canvas is cut there; 0 trusts every prediction. */
  readonly minConf: number;
  /** Cut only behind the open block, unless the end was committed. */
  readonly behindBlock: boolean;
}

/**
 * End-of-text prediction (Learn2PD, arXiv 2509.25188): cuts the canvas after a committed end of text, or else after the
 * masked cell that most probably is one. The released code has no threshold and cuts answers short; the guard is ours.
 * Only for a continuation: nothing may stand behind the cells to be filled.
 */
export function eotpControl({ eosIds, minConf, behindBlock }: EotpOptions): LengthControl {
  return {
    watch: ({ canvas, targets }) => targets.filter((row) => canvas.kinds[row] === MASKED),
    edit: ({ state, stats }, commits) => {
      const { canvas, targets, block } = state;
      const end = commits.find(({ id, reason }) => reason === "filter" && eosIds.includes(id));
      if (end !== undefined) return cutAfter(end.row, canvas.ids.length);
      const from = behindBlock ? (targets[block.end - 1] ?? -1) : -1;
      let best = { row: -1, p: Number.NEGATIVE_INFINITY };
      // Also a cell that was committed just now: its prediction is from before.
      const now = new Set(commits.map(({ row }) => row));
      for (const row of targets) {
        if ((canvas.kinds[row] !== MASKED && !now.has(row)) || row <= from) continue;
        const r = positionOf(stats.rows, row);
        const p = Math.exp(stats.topLogits[r * stats.k]! - stats.lse[r]!);
        if (eosIds.includes(stats.topIds[r * stats.k]!) && p >= minConf && p > best.p) best = { row, p };
      }
      return best.row < 0 ? null : cutAfter(best.row, canvas.ids.length);
    },
  };
}

function cutAfter(row: number, length: number): LengthEdit | null {
  const n = length - row - 1;
  return n === 0 ? null : { inserts: [], deletes: [{ at: row + 1, n }], why: "end of text" };
}
