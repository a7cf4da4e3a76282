import { clone } from "../core/clone.ts";
import { UnmaskError } from "../core/errors.ts";
import { hash3 } from "../core/random.ts";
import { RANDOM_STREAMS } from "../core/random-streams.ts";
import type { RowStats } from "../core/types.ts";
import { decode, type LengthEvent, type StepEvent } from "../strategies/decode.ts";
import { noteLooks } from "../strategies/pieces/looks.ts";
import type { DecodeState } from "../strategies/strategy.ts";
import { ask, type Part, type Session, tell } from "./session.ts";
import { emptyTrajectory, noteStep, type Trajectory } from "./trajectory.ts";

/** One text that is being written. */
export interface Branch {
  readonly state: DecodeState;
  readonly seed: number;
  readonly trajectory: Trajectory;
  /** How it ended; null while it goes on. */
  ended: "complete" | "eos" | null;
}

/**
 * The seed of the `index`th text of a round. The first of all has the seed of the run, so a search for one text is the
 * plain run, and more texts only add to fewer.
 */
export function seedOf(seed: number, round: number, index: number): number {
  return round === 0 && index === 0 ? seed : hash3(seed, round, index, RANDOM_STREAMS.text);
}

/** A text that begins where `state` stands; the state is the branch's own. */
export function openBranch(state: DecodeState, seed: number): Branch {
  return { state, seed, trajectory: emptyTrajectory(state.canvas.ids.length), ended: null };
}

/** A copy that goes on with a seed of its own. */
export function forkOf({ state, trajectory, ended }: Branch, seed: number): Branch {
  return { ...clone({ state, trajectory, ended }), seed };
}

/** How the steps of a branch are watched. */
export interface Watching {
  /** Tells each event as it happens; else they are returned. */
  readonly live: boolean;
  /** The list that is returned, for whoever wants to look at it before. */
  readonly events?: (StepEvent | LengthEvent)[];
  /** Asked with the statistics of each step, before it changes the canvas. */
  onStats?(state: DecodeState, stats: RowStats): void;
}

/**
 * Takes a branch some steps further, or to its end. It stops where a further forward is wanted, so that all events of
 * the last step are out.
 *
 * @returns the events, unless they were told
 * @throws UnmaskError `internal` when the decoder cannot make progress
 */
export function* advance(
  session: Session,
  branch: Branch,
  steps: number,
  { live, onStats, events = [] }: Watching,
): Part<(StepEvent | LengthEvent)[]> {
  const { state, trajectory } = branch;
  const decoder = decode(session.strategy, session.traits, state, session.rngOf(branch.seed));
  let stats: RowStats | null = null;
  let made = 0;
  let turn = decoder.next();
  while (turn.done !== true) {
    const output = turn.value;
    if (output.type === "request") {
      if (made >= steps) return events;
      const answer: RowStats = yield* ask(session, output.request);
      // A second forward of a step looks at some rows more closely, and says nothing new of them.
      if (stats === null) {
        noteLooks(trajectory.looks, state.canvas.slots, answer);
        onStats?.(state, answer);
      }
      stats = answer;
      turn = decoder.next(stats);
      continue;
    }
    if (output.type === "step") {
      made++;
      noteStep(trajectory, output, stats);
      // Tokens of inserted cells have no statistics.
      stats = null;
    }
    if (live) yield* tell(session, output, state.canvas);
    else events.push(output);
    turn = decoder.next(undefined);
  }
  if (turn.value === "stuck") {
    throw new UnmaskError("internal", "The decoder cannot make progress: the model only predicts masks.");
  }
  branch.ended = turn.value;
  return events;
}
