import { type CompiledConstraint, compileConstraint, vocabularyOf } from "../../constraints/constraint.ts";
import type { Constraint } from "../../constraints/input.ts";
import type { Span, Tokenizer } from "../../core/types.ts";
import { type Canvas, GIVEN } from "../../strategies/canvas.ts";
import { type ConstraintPath, constrained } from "../../strategies/pieces/constrain.ts";
import type { ModelTraits, Strategy } from "../../strategies/strategy.ts";

interface ConstrainedRun {
  readonly strategy: Strategy;
  /** The canvas with the literals in their cells. */
  readonly canvas: Canvas;
}

/** A constraint for the gaps of a text. */
export interface GapConstraint {
  /** The constraint on one of them. */
  of(gap: number): CompiledConstraint;
}

/**
 * Compiles a constraint for gaps of which some follow a space that is left to the model.
 *
 * @param endIds ids that end a text early, none for an infill
 * @param spaces for each gap whether it follows such a space, see `spacesBefore`
 * @throws UnmaskError `invalid-options` when it is malformed or too large
 */
export function compileForGaps(
  constraint: Constraint,
  tokenizer: Tokenizer,
  { suppress }: Pick<ModelTraits, "suppress">,
  endIds: readonly number[],
  spaces: readonly boolean[],
): GapConstraint {
  const vocabulary = vocabularyOf(tokenizer, endIds, suppress);
  const encode = (text: string): Int32Array => tokenizer.encode(text);
  const kinds = new Map(
    [...new Set(spaces)].map((space) => [space, compileConstraint(constraint, vocabulary, encode, space)]),
  );
  return { of: (gap) => kinds.get(spaces[gap]!)! };
}

/**
 * Puts a constraint on the gaps of a canvas; each gap has to satisfy it by itself.
 *
 * @throws UnmaskError `invalid-options` when it cannot be met in the cells there are
 */
export function constrain(
  compiled: GapConstraint,
  strategy: Strategy,
  canvas: Canvas,
  gaps: readonly Span[],
  { maskId }: Pick<ModelTraits, "maskId">,
  path: ConstraintPath = "greedy",
): ConstrainedRun {
  const placed: Canvas = { ...canvas, ids: canvas.ids.slice(), kinds: canvas.kinds.slice() };
  for (const [i, gap] of gaps.entries()) {
    for (const { row, id } of compiled.of(i).placements(gap)) {
      placed.ids[row] = id;
      placed.kinds[row] = GIVEN;
    }
  }
  const trackers = (now: Canvas) => gaps.map((gap, i) => compiled.of(i).track(now.ids, gap, maskId));
  for (const tracker of trackers(placed)) tracker.requireFeasible();
  return { strategy: constrained(strategy, trackers, path), canvas: placed };
}
