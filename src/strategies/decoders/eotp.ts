import { MASKED } from "../canvas.ts";
import { bestProbability, positionOf } from "../rows.ts";
import type { DecodeState, LengthControl, LengthEdit } from "../strategy.ts";

/** What keeps a prediction from cutting an answer short. */
export interface EotpGuard {
  /** Probability that a predicted end needs before the canvas is cut there; 0 trusts every prediction. */
  readonly minConf: number;
  /** `block-end`: behind the open block only, besides an end that a filter accepted; `start`: anywhere. */
  readonly notBefore: "start" | "block-end";
  /** Cells that are always kept. */
  readonly minTokens: number;
}

export interface EotpOptions extends EotpGuard {
  readonly eosIds: readonly number[];
  /** Where an end is looked for: in all masks, or in those of the open block, which is what some caches compute. */
  readonly scope: "canvas" | "block";
}

/**
 * End-of-text prediction (Learn2PD, arXiv 2509.25188): cuts the canvas after a committed end of text, or else after the
 * masked cell that most probably is one. The released code has no guard and cuts answers short; the guards are ours.
 * Only for a continuation: nothing may stand behind the cells to be filled.
 */
export function eotpControl({ eosIds, minConf, notBefore, minTokens, scope }: EotpOptions): LengthControl {
  const region = ({ targets, block }: DecodeState): Int32Array =>
    scope === "canvas" ? targets : targets.subarray(block.start, block.end);
  const firstRow = ({ targets, block }: DecodeState): number => {
    const from = notBefore === "block-end" ? block.end : 0;
    return targets[Math.max(from, minTokens - 1)] ?? Number.POSITIVE_INFINITY;
  };
  return {
    watch: (state) => region(state).filter((row) => state.canvas.kinds[row] === MASKED),
    edit: ({ state, stats }, commits) => {
      const { canvas, targets } = state;
      const end = commits.find(({ id, reason }) => reason === "filter" && eosIds.includes(id));
      if (end !== undefined && end.row >= targets[Math.max(0, minTokens - 1)]!) {
        return cutAfter(end.row, canvas.ids.length);
      }
      let best = { row: -1, p: Number.NEGATIVE_INFINITY };
      const first = firstRow(state);
      // Also a cell that was committed just now: its prediction is from before.
      const now = new Set(commits.map(({ row }) => row));
      for (const row of region(state)) {
        if (row < first || (canvas.kinds[row] !== MASKED && !now.has(row))) continue;
        const r = positionOf(stats.rows, row);
        if (r < 0) continue; // a decoder may show the model less than the canvas
        const p = bestProbability(stats, r);
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
