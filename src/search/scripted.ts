import type { Canvas } from "../strategies/canvas.ts";
import type { LengthEvent, StepEvent } from "../strategies/decode.ts";
import type { Oracle } from "../strategies/oracle/oracle.ts";
import type { Search } from "./input.ts";
import { runSearch } from "./search.ts";
import type { SearchAnswer, Session } from "./session.ts";
import type { SearchOutcome } from "./texts.ts";

/** What a search did to the end, or until it was left. */
export interface ScriptedSearch {
  readonly events: readonly (StepEvent | LengthEvent)[];
  /** Forwards that computed something. */
  readonly forwards: number;
  readonly outcome: SearchOutcome | null;
}

/**
 * Drives a search without waiting for anything; for experiments and tests on the scripted oracle.
 *
 * @param limit requests that are answered before the search is left
 */
export function driveSearch(
  search: Search | undefined,
  session: Session,
  oracle: Oracle,
  score: (canvas: Canvas) => number,
  limit: number = Number.POSITIVE_INFINITY,
): ScriptedSearch {
  const events: (StepEvent | LengthEvent)[] = [];
  let forwards = 0;
  let requests = 0;
  let answer: SearchAnswer;
  const run = runSearch(search, session);
  for (;;) {
    const turn = run.next(answer);
    if (turn.done === true) return { events, forwards, outcome: turn.value };
    const output = turn.value;
    answer = undefined;
    if (output.type === "request") {
      if (requests++ >= limit) return { events, forwards, outcome: null };
      if (output.request.repeats !== true) forwards++;
      answer = oracle.forward(output.request);
    } else if (output.type === "requests") {
      requests += output.requests.length;
      if (requests > limit) return { events, forwards, outcome: null };
      forwards += output.requests.length;
      answer = output.requests.map(({ request }) => oracle.forward(request));
    } else if (output.type === "score") answer = output.canvases.map(score);
    else if (output.type === "read") answer = output.canvases.map(({ ids }) => String(ids.at(-1)));
    else events.push(output);
  }
}
