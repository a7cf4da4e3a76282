import { clone } from "../core/clone.ts";
import type { Canvas } from "../strategies/canvas.ts";
import type { DecodeState } from "../strategies/strategy.ts";
import { advance, type Branch, openBranch, seedOf } from "./branch.ts";
import { bestOf } from "./choose.ts";
import type { ScoredSearch, ScoreTerm } from "./input.ts";
import { judge } from "./judge.ts";
import type { Part, Session } from "./session.ts";
import { turnTo } from "./turn.ts";

/** A finished text and what it is worth. */
export interface ScoredText {
  readonly branch: Branch;
  readonly score: number;
}

/** How a search ended. */
export interface SearchOutcome {
  readonly reason: "complete" | "eos";
  /** Null for a plain run. */
  readonly report: SearchTally | null;
}

export interface SearchTally {
  readonly method: string;
  /** Index into the candidates: the text that the canvas holds at the end. */
  readonly best: number;
  readonly candidates: readonly { readonly seed: number; readonly score: number; readonly canvas: Canvas }[];
  readonly votes?: readonly Vote[];
}

/** An answer, how much speaks for it, and in how many steps it was read. */
export interface Vote {
  readonly answer: string;
  readonly weight: number;
  readonly steps: number;
}

/** A copy of the run's start; states are changed in place. */
export function freshState({ start }: Session): DecodeState {
  return clone(start);
}

/** Writes a text to its end, telling every step, and scores it. */
export function* write(
  session: Session,
  candidate: number,
  branch: Branch,
  terms: readonly ScoreTerm[],
): Part<ScoredText> {
  session.candidate = candidate;
  yield* turnTo(session, branch.state.canvas);
  yield* advance(session, branch, Number.POSITIVE_INFINITY, { live: true });
  const [score] = yield* judge(session, [branch], terms, false);
  return { branch, score: score! };
}

/**
 * Best of N (random search, arXiv 2501.09732): `n` texts with seeds of their own, one after the other. The first is the
 * plain run, and a larger `n` only adds texts, so the best score never falls.
 */
export function* bestOfN(
  session: Session,
  { n, score }: Extract<ScoredSearch, { method: "best-of" }>,
): Part<SearchOutcome> {
  const texts: ScoredText[] = [];
  for (let i = 0; i < n; i++) {
    texts.push(yield* write(session, i, openBranch(freshState(session), seedOf(session.seed, 0, i)), score));
  }
  return yield* settle(session, "best-of", texts);
}

/** Shows the best text and reports all of them. */
export function* settle(session: Session, method: string, texts: readonly ScoredText[]): Part<SearchOutcome> {
  const best = bestOf(texts.map(({ score }) => score));
  session.candidate = best;
  const { state, ended } = texts[best]!.branch;
  yield* turnTo(session, state.canvas);
  return {
    reason: ended ?? "complete",
    report: {
      method,
      best,
      candidates: texts.map(({ branch, score }) => ({
        seed: branch.seed,
        score,
        canvas: branch.state.canvas,
      })),
    },
  };
}
