import type { RowStats } from "../../core/types.ts";
import type { Decoder, DecodeVerdict, StepEvent } from "../decode.ts";
import type { Oracle } from "./oracle.ts";

/** Drives a decoder to its end without waiting for anything; for experiments and tests on the scripted oracle. */
export function runScripted(
  decoder: Decoder,
  oracle: Oracle,
): { events: StepEvent[]; verdict: DecodeVerdict } {
  const events: StepEvent[] = [];
  let answer: RowStats | undefined;
  for (;;) {
    const turn = decoder.next(answer);
    if (turn.done === true) return { events, verdict: turn.value };
    answer = turn.value.type === "request" ? oracle.forward(turn.value.request) : undefined;
    if (turn.value.type === "step") events.push(turn.value);
  }
}
