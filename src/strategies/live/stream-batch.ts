import { UnmaskError } from "../../core/errors.ts";
import type { ForwardRequest, RowStats } from "../../core/types.ts";
import type { DecodeOutput, Decoder, DecodeVerdict } from "../decode.ts";

/** A forward that one of several decoders waits for. */
export interface BatchItem {
  /** Index of the decoder. */
  readonly stream: number;
  readonly request: ForwardRequest;
}

/**
 * Advances several decoders together (stream batch of StreamDiffusion, arXiv 2312.12491): each round hands out the next
 * forward of every decoder that is not finished, to be computed as one batch, whatever step each of them is at. That is
 * exact here, because a text model is not told the time of a step. Streams are independent: each gives what it gives
 * alone.
 *
 * @param tell hears the step and length events, with the index of the decoder
 * @returns the verdicts, in the order of the decoders
 * @throws UnmaskError `internal` when a round is not answered item by item, in order
 */
export function* streamBatch(
  decoders: readonly Decoder[],
  tell: (stream: number, event: Exclude<DecodeOutput, { type: "request" }>) => void,
): Generator<readonly BatchItem[], readonly DecodeVerdict[], readonly RowStats[]> {
  const verdicts: (DecodeVerdict | undefined)[] = decoders.map(() => undefined);
  /** Runs one decoder up to its next forward. */
  const advance = (stream: number, stats?: RowStats): BatchItem[] => {
    const decoder = decoders[stream]!;
    for (let turn = decoder.next(stats); ; turn = decoder.next(undefined)) {
      if (turn.done === true) {
        verdicts[stream] = turn.value;
        return [];
      }
      if (turn.value.type === "request") return [{ stream, request: turn.value.request }];
      tell(stream, turn.value);
    }
  };
  let round = decoders.flatMap((_, stream) => advance(stream));
  while (round.length > 0) {
    const answers = yield round;
    if (answers.length !== round.length) {
      throw new UnmaskError("internal", `A round of ${round.length} forwards got ${answers.length} answers.`);
    }
    round = round.flatMap(({ stream }, i) => advance(stream, answers[i]));
  }
  return verdicts.map((verdict) => verdict!); // every decoder has ended
}
