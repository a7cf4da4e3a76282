import type { CommitReason } from "../../core/events.ts";
import type { RowStats } from "../../core/types.ts";
import { MASKED } from "../canvas.ts";
import { bestProbability, positionOf } from "../rows.ts";
import type { DecodeState, LengthControl, LengthEdit } from "../strategy.ts";

/** What keeps a prediction from cutting an answer short. */
export interface EotpGuard {
  /** Probability that a predicted end needs before the canvas is cut there; 0 trusts every prediction. */
  readonly minConf: number;
  /** `block-end`: behind the open block only, besides an end that was accepted; `start`: anywhere. */
  readonly notBefore: "start" | "block-end";
  /** Only an end that was accepted cuts: committed because the decoder is sure of it, not because something had to be. */
  readonly requireAccepted?: boolean;
  /** Cells that are always kept. */
  readonly minTokens: number;
}

export interface EotpOptions extends EotpGuard {
  readonly eosIds: readonly number[];
  /**
   * Whose statistics are asked for: those of all masks, or of the masks of the open block, which is all that some caches
   * compute in this step. What else a forward answers is looked at as well.
   */
  readonly scope: Scope | ((state: DecodeState) => Scope);
  /** What statistics row `r` predicts for canvas row `row`; absent: its best token. The reference looks at the token drawn. */
  readonly predicts?: (
    stats: RowStats,
    r: number,
    row: number,
  ) => { readonly id: number; readonly p: number };
}

type Scope = "canvas" | "block";

/** Why a token is committed that a decoder is sure of. A filter's own verdict needs no probability beside it. */
const SURE: ReadonlySet<CommitReason> = new Set([
  ...(["filter", "threshold", "factor", "entropy", "stable", "anchor", "neighbour", "segment"] as const),
]);

/**
 * End-of-text prediction (Learn2PD, arXiv 2509.25188): cuts the canvas after a committed end of text, or else after the
 * masked cell that most probably is one. The released code has no guard and cuts answers short; the guards are ours.
 * Only for a continuation: nothing may stand behind the cells to be filled.
 */
export function eotpControl(options: EotpOptions): LengthControl {
  const {
    eosIds,
    minConf,
    notBefore,
    minTokens,
    requireAccepted = false,
    scope,
    predicts = bestToken,
  } = options;
  const watched = (state: DecodeState): Int32Array => {
    const { targets, block } = state;
    const now = typeof scope === "function" ? scope(state) : scope;
    return now === "canvas" ? targets : targets.subarray(block.start, block.end);
  };
  /** First row where a prediction counts that nobody accepted. */
  const openFrom = ({ targets, block }: DecodeState): number => {
    if (requireAccepted) return Number.POSITIVE_INFINITY;
    return notBefore === "start" ? 0 : (targets[block.end] ?? Number.POSITIVE_INFINITY);
  };
  return {
    watch: (state) => watched(state).filter((row) => state.canvas.kinds[row] === MASKED),
    edit: ({ state, stats }, commits) => {
      const { canvas, targets } = state;
      const least = targets[Math.max(0, minTokens - 1)] ?? Number.POSITIVE_INFINITY;
      const end = commits.find(({ id, reason }) => reason === "filter" && eosIds.includes(id));
      if (end !== undefined && end.row >= least) return cutAfter(end.row, canvas.ids.length);
      // Also a cell that was committed just now: its prediction is from before.
      const reasons = new Map(commits.map(({ row, reason }) => [row, reason]));
      const first = openFrom(state);
      let best = { row: -1, p: Number.NEGATIVE_INFINITY };
      for (const row of targets) {
        const reason = reasons.get(row);
        const isAccepted = reason !== undefined && SURE.has(reason);
        if (row < least || (row < first && !isAccepted)) continue;
        if (canvas.kinds[row] !== MASKED && reason === undefined) continue;
        const r = positionOf(stats.rows, row);
        if (r < 0) continue; // not every forward computes, or is shown, the whole canvas
        const { id, p } = predicts(stats, r, row);
        if (eosIds.includes(id) && p >= minConf && p > best.p) best = { row, p };
      }
      return best.row < 0 ? null : cutAfter(best.row, canvas.ids.length);
    },
  };
}

function bestToken(stats: RowStats, r: number): { readonly id: number; readonly p: number } {
  return { id: stats.topIds[r * stats.k]!, p: bestProbability(stats, r) };
}

function cutAfter(row: number, length: number): LengthEdit | null {
  const n = length - row - 1;
  return n === 0 ? null : { inserts: [], deletes: [{ at: row + 1, n }], why: "end of text" };
}
