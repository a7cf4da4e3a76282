import { clone } from "../core/clone.ts";
import type { Canvas } from "../strategies/canvas.ts";
import type { DecodeState } from "../strategies/strategy.ts";
import { advance, type Branch } from "./branch.ts";
import { bestOf } from "./choose.ts";
import type { ScoreTerm } from "./input.ts";
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
