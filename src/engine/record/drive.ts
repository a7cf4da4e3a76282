import { UnmaskError } from "../../core/errors.ts";
import type { Denoiser } from "../../core/types.ts";
import type { Decoder } from "../../strategies/decode.ts";

/**
 * Runs a decoder to its end without telling anyone: for fits, which want its state.
 *
 * @param stop asked before each forward
 * @throws UnmaskError `aborted` when told to stop, `internal` when the decoder is stuck, whatever the denoiser rejects with
 */
export async function drive(decoder: Decoder, denoiser: Denoiser, stop: () => boolean): Promise<void> {
  let turn = decoder.next();
  while (turn.done !== true) {
    if (turn.value.type !== "request") {
      turn = decoder.next(undefined);
      continue;
    }
    if (stop()) throw new UnmaskError("aborted", "The fit was stopped.");
    turn = decoder.next(await denoiser.forward(turn.value.request));
  }
  if (turn.value === "stuck") {
    throw new UnmaskError("internal", "The decoder cannot make progress: the model only predicts masks.");
  }
}
