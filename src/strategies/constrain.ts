import type { ConstraintTracker } from "../constraints/tracker.ts";
import type { Canvas } from "./canvas.ts";
import { positionOf } from "./rows.ts";
import type { DecodeState, Pick, Step, Strategy } from "./strategy.ts";

/** Candidates of a row that are looked at before the vocabulary is searched for any that fits. */
const WIDTH = 64;

/**
 * A strategy whose tokens satisfy a constraint: what it picks is replaced, row by row in the order of its scores, by the
 * most probable token that leaves the constraint satisfiable. Each commit counts before the next row is looked at, so
 * tokens of one step never contradict each other, and some token always fits.
 *
 * @param open trackers for the rows of a canvas; asked once a run, and again when a run is resumed from a saved state
 */
export function constrained(
  strategy: Strategy,
  open: (canvas: Canvas) => readonly ConstraintTracker[],
): Strategy {
  // Trackers follow from the canvas, so they are no part of the state.
  const opened = new WeakMap<DecodeState, readonly ConstraintTracker[]>();
  const trackersOf = (state: DecodeState): readonly ConstraintTracker[] => {
    const known = opened.get(state) ?? open(state.canvas);
    opened.set(state, known);
    return known;
  };
  const { selector } = strategy;
  return {
    ...strategy,
    selector: {
      ...selector,
      needs: { ...selector.needs, topK: Math.max(WIDTH, selector.needs?.topK ?? 1) },
      select: (step, scores) => {
        const trackers = trackersOf(step.state);
        for (const tracker of trackers) tracker.sync(step.state.canvas.ids);
        const picks = selector.select(step, scores);
        const order = picks.toSorted((a, b) => scores[b.index]! - scores[a.index]! || a.index - b.index);
        for (const pick of order) conform(step, pick, trackers);
        return picks;
      },
    },
  };
}

/** Makes the candidate of a pick one that the constraint allows. */
function conform({ stats, candidates }: Step, { index }: Pick, trackers: readonly ConstraintTracker[]): void {
  const row = candidates.rows[index]!;
  const tracker = trackers.find(({ span }) => span.start <= row && row < span.end);
  if (tracker === undefined) return;
  const r = positionOf(stats.rows, row);
  const ids = [candidates.ids[index]!, ...stats.topIds.subarray(r * stats.k, (r + 1) * stats.k)];
  const fits = tracker.allowed(row, ids);
  const place = fits.indexOf(true);
  const id = place >= 0 ? ids[place]! : tracker.allowedIds(row, 1)[0]!;
  if (place !== 0) {
    candidates.ids[index] = id;
    // Whatever lies outside the best ids is at most as probable as the last of them.
    const at = r * stats.k + (place > 0 ? place - 1 : stats.k - 1);
    candidates.probabilities[index] = Math.exp(stats.topLogits[at]! - stats.lse[r]!);
  }
  tracker.commit(row, id);
}
