import { compileConstraint, vocabularyOf } from "../constraints/constraint.ts";
import type { Constraint } from "../constraints/input.ts";
import type { Span, Tokenizer } from "../core/types.ts";
import { type Canvas, GIVEN } from "../strategies/canvas.ts";
import { constrained } from "../strategies/constrain.ts";
import type { ModelTraits, Strategy } from "../strategies/strategy.ts";

export interface ConstrainedRun {
  readonly strategy: Strategy;
  /** The canvas with the literals in their cells. */
  readonly canvas: Canvas;
}

/**
 * Puts a constraint on the gaps of a canvas; each gap has to satisfy it by itself.
 *
 * @param endIds ids that end a text early, none for an infill
 * @throws UnmaskError `invalid-options` when it is malformed, too large, or cannot be met in the cells there are
 */
export function constrain(
  constraint: Constraint,
  strategy: Strategy,
  canvas: Canvas,
  gaps: readonly Span[],
  tokenizer: Tokenizer,
  { maskId, suppress }: ModelTraits,
  endIds: readonly number[],
): ConstrainedRun {
  const vocabulary = vocabularyOf(tokenizer, endIds, suppress);
  const compiled = compileConstraint(constraint, vocabulary, (text) => tokenizer.encode(text));
  const placed: Canvas = { ...canvas, ids: canvas.ids.slice(), kinds: canvas.kinds.slice() };
  for (const gap of gaps) {
    for (const { row, id } of compiled.placements(gap)) {
      placed.ids[row] = id;
      placed.kinds[row] = GIVEN;
    }
  }
  const trackers = (now: Canvas) => gaps.map((gap) => compiled.track(now.ids, gap, maskId));
  for (const tracker of trackers(placed)) tracker.requireFeasible();
  return { strategy: constrained(strategy, trackers), canvas: placed };
}
