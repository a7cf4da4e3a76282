import { isUnmaskError, toUnmaskError, UnmaskError } from "../../core/errors.ts";
import type { Denoiser, ForwardRequest, RowStats } from "../../core/types.ts";

/** A forward is tried on this many devices before its loss is reported. */
const MAX_RESTORES = 2;

export interface RestoringDenoiser extends Denoiser {
  forwardAll: NonNullable<Denoiser["forwardAll"]>;
  /** `listener` hears of each loss as it happens, before the new device is there; undefined stops that. */
  watch(listener: ((why: string) => void) | undefined): void;
}

/**
 * A denoiser that outlives its GPU: when the device is lost, the model is opened again and the forward that failed is
 * repeated. A request holds its whole canvas, so nothing else has to be brought back but stored keys and values: the
 * forwards that stored them since a plan last started anew are run again, on the canvases of their time, and so is the
 * last one that left something else on the device. Approximate caches therefore go on with the same numbers.
 *
 * A device that ran out of memory is given up as well, with all that was taken on it. Where several canvases shared a
 * run, the same is tried once more on a new one that computes each by itself, and so is everything from then on; else the
 * error is reported, and the next forward opens the model anew.
 *
 * @param reopen opens the same model once more, with `alone` for one canvas a run; what was lost is already freed
 */
export function createRestoringDenoiser(
  first: Denoiser,
  reopen: (signal: AbortSignal, alone: boolean) => Promise<Denoiser>,
): RestoringDenoiser {
  const { vocab, maskId, maxCanvas } = first;
  const closing = new AbortController();
  let current: Denoiser | undefined = first;
  let listener: ((why: string) => void) | undefined;
  /** What made the keys and values that are stored now, in order. */
  let storing: ForwardRequest[] = [];
  /** The last forward whose logits or distributions a later one is measured by. */
  let remembered: ForwardRequest | undefined;
  /** True while a new model has not run those again. */
  let isEmpty = false;
  /** Several canvases at once were too much for the device. */
  let alone = false;

  /** @param loss undefined when the model was given up for want of memory */
  const restored = async (loss: unknown): Promise<Denoiser> => {
    try {
      const denoiser = await reopen(closing.signal, alone);
      if (!closing.signal.aborted) return denoiser;
      await denoiser.dispose();
    } catch (cause) {
      if (!closing.signal.aborted) {
        if (loss === undefined) throw cause;
        const { message } = toUnmaskError(cause);
        const sentence = `The GPU was taken away and could not be had again: ${message}`;
        throw new UnmaskError("device-lost", sentence, { cause: loss });
      }
    }
    throw new UnmaskError("disposed", "The model was closed.");
  };
  const drop = async (lost: Denoiser): Promise<void> => {
    current = undefined;
    isEmpty = true;
    // A session on a dead device may refuse to be released; there is nothing more to free then.
    await lost.dispose().catch(() => {});
  };
  const remember = (request: ForwardRequest): void => {
    const plain = withoutDrawing(request);
    if (leavesMore(request)) remembered = plain;
    if (request.kv === null) return;
    if (request.lane === undefined) storing = storing.filter(({ lane }) => lane === undefined);
    if (request.kv.readRows.length === 0) storing = storing.filter(({ lane }) => lane !== request.lane);
    if (request.kv.writeRows.length > 0) storing.push(plain);
  };
  const forwardAll = async (requests: readonly ForwardRequest[]): Promise<readonly RowStats[]> => {
    let loss: unknown;
    for (let restores = 0; ; restores++) {
      if (closing.signal.aborted) throw new UnmaskError("disposed", "The model was closed.");
      current ??= await restored(loss);
      const denoiser = current;
      try {
        if (isEmpty) {
          for (const earlier of storing) await denoiser.forward(earlier);
          const isLeft = remembered !== undefined && !storing.includes(remembered);
          if (isLeft && !requests.every(isAnew)) await denoiser.forward(remembered!);
        }
        isEmpty = false;
        const stats = await answerAll(denoiser, requests);
        requests.forEach(remember);
        return stats;
      } catch (error) {
        if (!isUnmaskError(error) || closing.signal.aborted) throw error;
        if (isExhausted(error)) {
          await drop(denoiser);
          if ((denoiser.batchRows ?? 0) > 0 && countCanvases(requests) > 1) {
            alone = true;
            listener?.("the GPU ran out of memory with several texts in one run; going on one at a time");
            continue;
          }
          storing = [];
          remembered = undefined;
        }
        if (error.code !== "device-lost") throw error;
        loss = error;
        await drop(denoiser);
        if (restores >= MAX_RESTORES) throw error;
        listener?.("the GPU was taken away; going on with a new one");
      }
    }
  };
  return {
    vocab,
    maskId,
    maxCanvas,
    get blocks() {
      return (current ?? first).blocks === true;
    },
    get batchRows() {
      return alone ? 0 : ((current ?? first).batchRows ?? 0);
    },
    forward: async (request) => (await forwardAll([request]))[0]!,
    forwardAll,
    watch(next) {
      listener = next;
    },
    async dispose() {
      closing.abort();
      await current?.dispose();
    },
  };
}

async function answerAll(
  denoiser: Denoiser,
  requests: readonly ForwardRequest[],
): Promise<readonly RowStats[]> {
  if (requests.length > 1 && denoiser.forwardAll !== undefined) return denoiser.forwardAll(requests);
  const answers: RowStats[] = [];
  for (const request of requests) answers.push(await denoiser.forward(request));
  return answers;
}

function countCanvases(requests: readonly ForwardRequest[]): number {
  return requests.reduce((sum, { canvases, drafts = [] }) => sum + canvases.length + drafts.length, 0);
}

/** A limit that was asked about beforehand has broken nothing; it is named in the error. */
function isExhausted({ code, detail }: UnmaskError): boolean {
  return code === "out-of-memory" && detail["limitBytes"] === undefined;
}

/** Unconditional logits for residual guidance, or distributions to measure the next ones by. */
function leavesMore({ guidance, signals }: ForwardRequest): boolean {
  return (guidance.kind === "cfg" && guidance.store === true) || signals.klPrevious !== undefined;
}

/** Begins a run: what was remembered is not asked for. */
function isAnew({ guidance, signals }: ForwardRequest): boolean {
  return guidance.kind !== "residual" && signals.klPrevious !== "next";
}

/** The request without what only matters for its answer. */
function withoutDrawing({ signals, ...request }: ForwardRequest): ForwardRequest {
  const { noise: _noise, gather: _gather, ...plain } = signals;
  return { ...request, signals: plain };
}
