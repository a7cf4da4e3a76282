import type { RowChoices } from "../../constraints/best-path.ts";
import { type ConstraintTracker, rowChoices } from "../../constraints/tracker.ts";
import type { RowStats } from "../../core/types.ts";
import { type Canvas, MASKED } from "../canvas.ts";
import { needsOf } from "../forward.ts";
import { isIdle } from "../progress.ts";
import { positionOf } from "../rows.ts";
import type { Admission, DecodeState, Pick, Step, Strategy } from "../strategy.ts";
import { type Choice, narrowedStats, relist, withoutGathered } from "./narrowed-stats.ts";
import { rank } from "./selector.ts";

/** Best tokens of a row that are looked at; where none of them fits, the others are asked for. */
const WIDTH = 64;

/** Logits that one forward is asked for besides, for all rows together: a megabyte. One row may take more. */
const MOST_GATHERED = 2 ** 18;

/** Stands for the log-probability of a token whose logit is broken: still a way, where there is no other. */
const HOPELESS = -1e6;

/**
 * Which of the picked tokens of one step are written. `greedy`: row by row in the order of their scores, each as it was
 * scored; one that those before it rule out waits for the next step. `best`: all rows of the step together, the most
 * probable way through the automaton (DINGO, arXiv 2505.23061); cells that stay masked may be anything.
 */
export type ConstraintPath = "greedy" | "best";

/**
 * A strategy whose tokens satisfy a constraint (strategies note, section 6.1). What is not allowed is rejected before
 * anything is drawn or scored: every piece sees each row with its best allowed tokens, at the probabilities that the
 * model gives them. A row none of whose listed tokens is allowed waits while there is another; once only such rows are
 * left, one more forward says which of their allowed tokens is the most probable. Some token always fits.
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
  /** What is listed of the rows of a step, as the model gave it. */
  const listed = new WeakMap<RowStats["topIds"], (row: number) => RowChoices | undefined>();
  const { selector, sampler } = strategy;
  const width = needsOf(strategy).topK;
  const admission: Admission = {
    admit(state, stats, { signals }) {
      const trackers = trackersOf(state);
      for (const tracker of trackers) {
        tracker.sync(state.canvas.ids);
        tracker.requireFeasible();
      }
      const isAllowed = (row: number, id: number): boolean =>
        state.canvas.kinds[row] !== MASKED || trackerOf(trackers, row)?.isAllowed(row, id) !== false;
      const temperature = signals.noise?.temperature ?? 1;
      const narrowed = narrowedStats(stats, width, temperature, isAllowed);
      withoutGathered(narrowed, sampler.gather?.(state), isAllowed);
      listed.set(narrowed.topIds, rowChoices(stats));
      return narrowed;
    },
    wanted(state, rows) {
      const trackers = trackersOf(state);
      const lists = Array.from(rows, (row) => ({ row, ids: trackerOf(trackers, row)!.allowedIds(row) }));
      lists.sort((a, b) => a.ids.length - b.ids.length || a.row - b.row);
      const chosen = lists.filter(({ ids }, i) => i === 0 || (i + 1) * ids.length <= MOST_GATHERED);
      return new Map(chosen.sort((a, b) => a.row - b.row).map(({ row, ids }) => [row, ids]));
    },
    settle(stats, wanted, answer, { signals }) {
      const choices = new Map<number, readonly Choice[]>();
      for (const [row, ids] of wanted) {
        const found = gatheredOf(answer, row, ids).slice(0, WIDTH);
        choices.set(row, found);
        relist(stats, positionOf(stats.rows, row), found, signals.noise?.temperature ?? 1);
      }
      listed.set(stats.topIds, (row) => {
        const lse = stats.lse[positionOf(stats.rows, row)]!;
        const found = choices.get(row);
        return (
          found && {
            ids: found.map(({ id }) => id),
            logProbs: found.map(({ logit }) => (Number.isFinite(logit - lse) ? logit - lse : HOPELESS)),
          }
        );
      });
    },
  };
  return {
    ...strategy,
    admission,
    selector: {
      ...selector,
      needs: { ...selector.needs, topK: Math.max(WIDTH, selector.needs?.topK ?? 1) },
      select: (step, scores) => {
        const chosen = selector.select(step, scores);
        // A decoder may count on just the rows that wait.
        const isEmpty = chosen.length === 0 && scores.length > 0 && isIdle(strategy, step.state);
        const picks = isEmpty ? [{ index: rank(scores)[0]!, reason: "best" } as const] : chosen;
        const order = picks.toSorted((a, b) => scores[b.index]! - scores[a.index]! || a.index - b.index);
        const written = new Set<Pick>();
        for (const tracker of trackersOf(step.state)) {
          const own = order.filter(({ index }) => isWithin(tracker, step.candidates.rows[index]!));
          const kept =
            path === "best"
              ? writeTogether(step, own, tracker, listed.get(step.stats.topIds)!)
              : writeInTurn(step, own, tracker);
          for (const pick of kept) written.add(pick);
        }
        const first = order[0];
        if (written.size > 0 || first === undefined) return picks.filter((pick) => written.has(pick));
        // Where every logit of a row is broken, a sampler may say anything; what is listed first is allowed.
        const { candidates, stats } = step;
        candidates.ids[first.index] = stats.topIds[candidates.at[first.index]! * stats.k]!;
        return [first];
      },
    },
  };
}

function trackerOf(trackers: readonly ConstraintTracker[], row: number): ConstraintTracker | undefined {
  return trackers.find((tracker) => isWithin(tracker, row));
}

function isWithin({ span }: ConstraintTracker, row: number): boolean {
  return span.start <= row && row < span.end;
}

/** What a forward says of the ids that it was asked for in a row: best first, ties to the smaller id. */
function gatheredOf({ rows, gatherLogits }: RowStats, row: number, ids: ArrayLike<number>): Choice[] {
  const at = (positionOf(rows, row) * gatherLogits!.length) / rows.length;
  return Array.from(ids, (id, i) => ({ id, logit: gatherLogits![at + i]! })).sort((a, b) =>
    a.logit === b.logit ? a.id - b.id : b.logit - a.logit,
  );
}

/** The picks whose tokens go with those of the picks before them. */
function writeInTurn(
  { candidates: { rows, ids } }: Step,
  picks: readonly Pick[],
  tracker: ConstraintTracker,
): readonly Pick[] {
  return picks.filter(({ index }) => {
    const [row, id] = [rows[index]!, ids[index]!];
    if (!tracker.isAllowed(row, id)) return false;
    tracker.commit(row, id);
    return true;
  });
}

/** Makes the candidates of the picks the best way through the automaton; those that it passes over are left out. */
function writeTogether(
  step: Step,
  picks: readonly Pick[],
  tracker: ConstraintTracker,
  choicesOf: (row: number) => RowChoices | undefined,
): readonly Pick[] {
  const { rows } = step.candidates;
  const own = new Set(picks.map(({ index }) => rows[index]!));
  if (own.size === 0) return [];
  const span = { start: Math.min(...own), end: Math.max(...own) + 1 };
  const found = tracker.bestPath(span, (row) => (own.has(row) ? choicesOf(row) : undefined))!; // feasible
  return picks.filter(({ index }) => {
    const row = rows[index]!;
    const id = found.ids[row - span.start]!;
    if (id === step.traits.maskId) return false;
    replace(step, index, id, choicesOf(row)!);
    tracker.commit(row, id);
    return true;
  });
}

/** Puts another of the listed tokens into a candidate, with the probability that the model gives it. */
function replace({ candidates }: Step, index: number, id: number, { ids, logProbs }: RowChoices): void {
  if (candidates.ids[index] === id) return;
  candidates.ids[index] = id;
  candidates.probabilities[index] = Math.exp(logProbs[Array.from(ids).indexOf(id)]!);
}
