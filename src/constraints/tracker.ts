import type { RowStats, Span } from "../core/types.ts";
import { type BestPath, bestPath, type RowChoices } from "./best-path.ts";
import { constraintError } from "./errors.ts";
import {
  fits,
  fittingIds,
  isComplete,
  isFeasible,
  openSegment,
  setCell,
  setCells,
  shortestLength,
} from "./mask-wildcard.ts";
import type { TokenAutomaton } from "./token-automaton.ts";

/**
 * The constraint on one run of canvas rows, `span`, kept up to date while cells are filled. All rows are absolute.
 * Its state follows from the canvas alone: a decoder that resumes opens a new one.
 */
export interface ConstraintTracker {
  readonly span: Span;
  /** Some filling of the masks satisfies the constraint. Stays true while only allowed ids are committed. */
  isFeasible(): boolean;
  /** No mask is left and the constraint is satisfied. */
  isComplete(): boolean;
  /** @throws UnmaskError `invalid-options` when no filling of the masks satisfies the constraint */
  requireFeasible(): void;
  /** For each candidate whether the masked `row` may become it: exact, whatever the other masks become. */
  allowed(row: number, candidates: ArrayLike<number>): boolean[];
  /** {@link ConstraintTracker.allowed} of one candidate. */
  isAllowed(row: number, id: number): boolean;
  /**
   * All ids that the masked `row` may become, ascending, for rows none of whose candidates is allowed: a walk over the
   * vocabulary for each state, kept until the row or what surrounds it changes. Read only.
   */
  allowedIds(row: number): Int32Array;
  /** Records that `row` now holds `id`. Commits are checked one at a time: each may forbid what was allowed before. */
  commit(row: number, id: number): void;
  /** Takes over whatever changed in the canvas, remasked and overwritten cells included. */
  sync(canvas: ArrayLike<number>): void;
  /** The most probable filling of the masks in `rows`, see {@link bestPath}; `ids[i]` is for `rows.start + i`. */
  bestPath(rows: Span, choicesOf: (row: number) => RowChoices | undefined): BestPath | null;
}

/** @param mayContinue the rows may end in the middle of a text, because the canvas will grow */
export function trackConstraint(
  automaton: TokenAutomaton,
  canvas: ArrayLike<number>,
  span: Span,
  maskId: number,
  mayContinue = false,
): ConstraintTracker {
  const inside = (ids: ArrayLike<number>): Int32Array => Int32Array.from(ids).subarray(span.start, span.end);
  const segment = openSegment(automaton, inside(canvas), maskId, mayContinue);
  return {
    span,
    isFeasible: () => isFeasible(segment),
    isComplete: () => isComplete(segment),
    requireFeasible() {
      if (isFeasible(segment)) return;
      const cells = span.end - span.start;
      const shortest = shortestLength(automaton);
      const isTooShort = shortest === null || shortest > cells;
      const why = isTooShort
        ? shortest === null
          ? "this model's tokens cannot write it"
          : `its shortest text needs ${shortest} tokens`
        : "the tokens that stand there already rule it out, or its texts are of other lengths";
      throw constraintError("constraint", `The constraint cannot be met in ${cells} cells: ${why}.`, {
        cells,
      });
    },
    allowed: (row, candidates) => Array.from(candidates, (id) => fits(segment, row - span.start, id)),
    isAllowed: (row, id) => fits(segment, row - span.start, id),
    allowedIds: (row) => fittingIds(segment, row - span.start),
    commit: (row, id) => setCell(segment, row - span.start, id),
    sync: (ids) => setCells(segment, inside(ids)),
    bestPath: (rows, choicesOf) =>
      bestPath(segment, rows.start - span.start, rows.end - span.start, (at) => choicesOf(at + span.start)),
  };
}

/** Row statistics as {@link ConstraintTracker.bestPath} wants them. Reads `stats` when asked, so while they are valid. */
export function rowChoices(stats: RowStats): (row: number) => RowChoices | undefined {
  const indices = new Map(Array.from(stats.rows, (row, r) => [row, r]));
  return (row) => {
    const r = indices.get(row);
    if (r === undefined) return undefined;
    const [from, to] = [r * stats.k, (r + 1) * stats.k];
    return {
      ids: stats.topIds.subarray(from, to),
      logProbs: Float64Array.from(stats.topLogits.subarray(from, to), (logit) => logit - stats.lse[r]!),
    };
  };
}
