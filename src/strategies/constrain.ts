import { type ConstraintTracker, rowChoices } from "../constraints/tracker.ts";
import type { Canvas } from "./canvas.ts";
import { positionOf } from "./rows.ts";
import type { DecodeState, Pick, Step, Strategy } from "./strategy.ts";

/** Candidates of a row that are looked at before the vocabulary is searched for any that fits. */
const WIDTH = 64;

/**
 * How the tokens of one step are made to fit. `greedy`: row by row in the order of their scores, each the most probable
 * one that leaves the constraint satisfiable. `best`: all rows of the step together, the most probable way through the
 * automaton (DINGO, arXiv 2505.23061); cells that stay masked may be anything.
 */
export type ConstraintPath = "greedy" | "best";

/**
 * A strategy whose tokens satisfy a constraint: what it picks is replaced by tokens that leave the constraint satisfiable.
 * Each commit counts before the next row is looked at, so tokens of one step never contradict each other, and some token
 * always fits.
 *
 * @param open trackers for the rows of a canvas; asked once a run, and again when a run is resumed from a saved state
 */
export function constrained(
  strategy: Strategy,
  open: (canvas: Canvas) => readonly ConstraintTracker[],
  path: ConstraintPath = "greedy",
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
        for (const tracker of trackers) {
          const own = order.filter(({ index }) => isWithin(tracker, step.candidates.rows[index]!));
          if (path === "best") conformTogether(step, own, tracker);
          else for (const pick of own) conform(step, pick, tracker);
        }
        return picks;
      },
    },
  };
}

function isWithin({ span }: ConstraintTracker, row: number): boolean {
  return span.start <= row && row < span.end;
}

/** Makes the candidate of a pick one that the constraint allows. */
function conform(step: Step, pick: Pick, tracker: ConstraintTracker): void {
  const { stats, candidates } = step;
  const row = candidates.rows[pick.index]!;
  const r = positionOf(stats.rows, row);
  const ids = [candidates.ids[pick.index]!, ...stats.topIds.subarray(r * stats.k, (r + 1) * stats.k)];
  const place = tracker.allowed(row, ids).indexOf(true);
  replace(step, pick, place >= 0 ? ids[place]! : tracker.allowedIds(row, 1)[0]!);
  tracker.commit(row, candidates.ids[pick.index]!);
}

/** Makes the candidates of these picks the best way through the automaton. */
function conformTogether(step: Step, picks: readonly Pick[], tracker: ConstraintTracker): void {
  const { rows, ids } = step.candidates;
  const byRow = new Map(picks.map((pick) => [rows[pick.index]!, pick]));
  if (byRow.size === 0) return;
  const span = { start: Math.min(...byRow.keys()), end: Math.max(...byRow.keys()) + 1 };
  const choicesOf = rowChoices(step.stats);
  const found = tracker.bestPath(span, (row) => (byRow.has(row) ? choicesOf(row) : undefined));
  for (const [row, pick] of byRow) {
    if (found !== null) replace(step, pick, found.ids[row - span.start]!);
    tracker.commit(row, ids[pick.index]!);
  }
}

/** Puts another token into a candidate, with the probability that the model gives it. */
function replace({ stats, candidates }: Step, { index }: Pick, id: number): void {
  if (candidates.ids[index] === id) return;
  const r = positionOf(stats.rows, candidates.rows[index]!);
  const place = stats.topIds.subarray(r * stats.k, (r + 1) * stats.k).indexOf(id);
  candidates.ids[index] = id;
  // Whatever lies outside the best ids is at most as probable as the last of them.
  const at = r * stats.k + (place >= 0 ? place : stats.k - 1);
  candidates.probabilities[index] = Math.exp(stats.topLogits[at]! - stats.lse[r]!);
}
