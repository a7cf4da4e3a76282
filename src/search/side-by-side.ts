import type { RowStats } from "../core/types.ts";
import type { LengthEvent, StepEvent } from "../strategies/decode.ts";
import { advance, type Branch } from "./branch.ts";
import type { ScoreTerm } from "./input.ts";
import { judge } from "./judge.ts";
import { copyOf, type LaneRequest, type Part, type Session, tell } from "./session.ts";
import { type ScoredText, write } from "./texts.ts";
import { turnTo } from "./turn.ts";

/** A text on its way: what it asks next, and what happened to it that was not told. */
interface Lane {
  readonly candidate: number;
  readonly branch: Branch;
  readonly part: ReturnType<typeof advance>;
  readonly blank: Branch["state"]["canvas"];
  readonly events: (StepEvent | LengthEvent)[];
  turn: ReturnType<ReturnType<typeof advance>["next"]>;
}

/**
 * Writes texts to their ends and scores them. As many as the session allows go on side by side, a forward each in a
 * round; every text is what it would be alone, and so is what is told: the first that is not finished is told as it is
 * written, what happened to the others meanwhile follows when it is their turn.
 *
 * @param first index of the first text among the candidates
 */
export function* writeAll(
  session: Session,
  first: number,
  branches: readonly Branch[],
  terms: readonly ScoreTerm[],
): Part<ScoredText[]> {
  const texts: ScoredText[] = [];
  for (let at = 0; at < branches.length; at += session.lanes) {
    const some = branches.slice(at, at + session.lanes);
    if (some.length === 1) texts.push(yield* write(session, first + at, some[0]!, terms));
    else texts.push(...(yield* writeTogether(session, first + at, some, terms)));
  }
  return texts;
}

function* writeTogether(
  session: Session,
  first: number,
  branches: readonly Branch[],
  terms: readonly ScoreTerm[],
): Part<ScoredText[]> {
  const lanes = branches.map((branch, i): Lane => {
    const events: Lane["events"] = [];
    const blank = copyOf(branch.state.canvas);
    const part = advance(session, branch, Number.POSITIVE_INFINITY, { live: false, events });
    return { candidate: first + i, branch, part, blank, events, turn: part.next() };
  });
  for (const lane of lanes) {
    session.candidate = lane.candidate;
    yield* turnTo(session, lane.blank);
    yield* tellAll(session, lane);
    while (lane.turn.done !== true) {
      yield* round(session, lanes);
      yield* tellAll(session, lane);
    }
  }
  // Forwards of a score belong to no lane: they come when no text needs what is stored of it.
  const texts: ScoredText[] = [];
  for (const { branch, candidate } of lanes) {
    session.candidate = candidate;
    const [score] = yield* judge(session, [branch], terms, false);
    texts.push({ branch, score: score! });
  }
  return texts;
}

/** One forward of every text that is not finished. */
function* round(session: Session, lanes: readonly Lane[]): Part<void> {
  const open: Lane[] = [];
  const requests: LaneRequest[] = [];
  for (const [at, lane] of lanes.entries()) {
    // A branch that tells nothing hands out requests only.
    if (lane.turn.done === true || lane.turn.value.type !== "request") continue;
    open.push(lane);
    requests.push({ candidate: lane.candidate, request: { ...lane.turn.value.request, lane: at } });
  }
  const answers = yield { type: "requests", step: session.step, requests };
  // The driver answers each request with its statistics.
  for (const [i, stats] of (answers as readonly RowStats[]).entries()) {
    const lane = open[i]!;
    lane.turn = lane.part.next(stats);
  }
}

function* tellAll(session: Session, { branch, events }: Lane): Part<void> {
  for (const event of events.splice(0)) yield* tell(session, event, branch.state.canvas);
}
