import { isUnmaskError, toUnmaskError, UnmaskError } from "../core/errors.ts";
import type { Denoiser, ForwardRequest } from "../core/types.ts";

/** A forward is tried on this many devices before its loss is reported. */
const MAX_RESTORES = 2;

export interface RestoringDenoiser extends Denoiser {
  /** `listener` hears of each loss as it happens, before the new device is there; undefined stops that. */
  watch(listener: ((why: string) => void) | undefined): void;
}

/**
 * A denoiser that outlives its GPU: when the device is lost, the model is opened again and the forward that failed is
 * repeated. A request holds its whole canvas, so nothing else has to be brought back; stored keys and values are gone,
 * and plans that read them run as full forwards until a plan fills the stores again.
 *
 * @param reopen opens the same model once more; what was lost is already freed
 */
export function createRestoringDenoiser(
  first: Denoiser,
  reopen: (signal: AbortSignal) => Promise<Denoiser>,
): RestoringDenoiser {
  const { vocab, maskId, maxCanvas } = first;
  const closing = new AbortController();
  let current: Denoiser | undefined = first;
  let listener: ((why: string) => void) | undefined;
  /** True while the stores of keys and values are empty although the plans believe otherwise. */
  let cold = false;

  const restored = async (loss: unknown): Promise<Denoiser> => {
    try {
      const denoiser = await reopen(closing.signal);
      if (!closing.signal.aborted) return denoiser;
      await denoiser.dispose();
    } catch (cause) {
      if (!closing.signal.aborted) {
        const { message } = toUnmaskError(cause);
        const sentence = `The GPU was taken away and could not be had again: ${message}`;
        throw new UnmaskError("device-lost", sentence, { cause: loss });
      }
    }
    throw new UnmaskError("disposed", "The model was closed.");
  };
  const drop = async (lost: Denoiser): Promise<void> => {
    current = undefined;
    cold = true;
    // A session on a dead device may refuse to be released; there is nothing more to free then.
    await lost.dispose().catch(() => {});
  };
  const adapt = (request: ForwardRequest): ForwardRequest => {
    if (request.kv === null) return request;
    if (request.kv.readRows.length === 0) cold = false;
    return cold ? { ...request, kv: null } : request;
  };
  return {
    vocab,
    maskId,
    maxCanvas,
    async forward(request) {
      let loss: unknown;
      for (let restores = 0; ; restores++) {
        if (closing.signal.aborted) throw new UnmaskError("disposed", "The model was closed.");
        current ??= await restored(loss);
        const denoiser = current;
        try {
          return await denoiser.forward(adapt(request));
        } catch (error) {
          if (!isUnmaskError(error) || error.code !== "device-lost" || closing.signal.aborted) throw error;
          loss = error;
          await drop(denoiser);
          if (restores >= MAX_RESTORES) throw error;
          listener?.("the GPU was taken away; going on with a new one");
        }
      }
    },
    watch(next) {
      listener = next;
    },
    async dispose() {
      closing.abort();
      await current?.dispose();
    },
  };
}
