import { assertNever } from "../core/errors.ts";
import type { RowStats } from "../core/types.ts";
import { type Canvas, FILLED, MASKED } from "../strategies/canvas.ts";
import type { DecodeState, Strategy } from "../strategies/strategy.ts";
import { advance, openBranch } from "./branch.ts";
import type { Search } from "./input.ts";
import { copyOf, type Part, type Session } from "./session.ts";
import { freshState, type SearchOutcome, type Vote } from "./texts.ts";

type Voting = Extract<Search, { method: "vote" }>;

/**
 * Temporal self-consistency voting (arXiv 2508.09138): at every step the answer is read from the text as the model
 * expects it then; the answer with most weight over all steps wins, whatever the last step says. No further forwards,
 * but the statistics of all masks. Steps without an answer have no vote.
 */
export function* vote(session: Session, { weights, rate }: Voting): Part<SearchOutcome> {
  const expected: Canvas[] = [];
  const branch = openBranch(freshState(session), session.seed);
  yield* advance(session, branch, Number.POSITIVE_INFINITY, {
    live: true,
    onStats: (state, stats) => expected.push(expectation(state, stats)),
  });
  const answers = yield { type: "read", canvases: expected };
  const votes = tally(answers as readonly (string | null)[], weights, rate); // the driver answers with what it read
  return {
    reason: branch.ended ?? "complete",
    report: {
      method: "vote",
      best: 0,
      candidates: [{ seed: branch.seed, score: votes[0]?.weight ?? 0, canvas: branch.state.canvas }],
      votes,
    },
  };
}

/** A strategy whose forwards answer for every mask. */
export function watchingAll(strategy: Strategy): Strategy {
  const { selector, demands } = strategy;
  const watch = (state: DecodeState): Iterable<number> => [
    ...(selector.watch?.(state) ?? []),
    ...state.targets.filter((row) => state.canvas.kinds[row] === MASKED),
  ];
  return { ...strategy, selector: { ...selector, watch }, demands: { ...demands, looksAhead: true } };
}

/** The canvas with the best token in each mask that the statistics cover. */
function expectation({ canvas }: DecodeState, stats: RowStats): Canvas {
  const expected = copyOf(canvas);
  for (const [r, row] of stats.rows.entries()) {
    if (canvas.kinds[row] !== MASKED) continue;
    expected.ids[row] = stats.topIds[r * stats.k]!;
    expected.kinds[row] = FILLED;
  }
  return expected;
}

/** Answers by weight, the heaviest first, of equal ones the one that was read first. */
export function tally(
  answers: readonly (string | null)[],
  weights: Voting["weights"],
  rate: number,
): readonly Vote[] {
  const votes = new Map<string, Vote>();
  for (const [step, answer] of answers.entries()) {
    if (answer === null) continue;
    const had = votes.get(answer) ?? { answer, weight: 0, steps: 0 };
    const weight = had.weight + weightOf(step, answers.length, weights, rate);
    votes.set(answer, { answer, weight, steps: had.steps + 1 });
  }
  return [...votes.values()].sort((a, b) => b.weight - a.weight);
}

function weightOf(step: number, steps: number, weights: Voting["weights"], rate: number): number {
  switch (weights) {
    case "fixed":
      return 1;
    case "linear":
      return (step + 1) / steps;
    case "exponential":
      return Math.exp((rate * step) / steps);
    default:
      return assertNever(weights);
  }
}
