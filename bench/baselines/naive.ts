/**
 * The decoding loop as demos write it after LLaDA's reference (generate.py): every step computes the whole canvas, reads
 * all logits and looks at the masked cells of the open block in plain JavaScript. What it is compared with here deserves
 * a fair opponent: rows whose logits nobody needs are read back but not looked at.
 */
export interface NaiveOptions {
  readonly maskId: number;
  /** Cells of a block; blocks are filled left to right. */
  readonly block: number;
  readonly vocab: number;
  /** Ids that are never chosen. */
  readonly suppress: readonly number[];
  /** Commits every cell at or above this probability, at least one; absent: exactly one. */
  readonly threshold?: number;
  /** Stops after so many blocks, the rest stays masked; absent: fills all. */
  readonly blocks?: number;
}

export interface NaiveResult {
  /** The whole canvas. */
  readonly ids: Int32Array;
  readonly forwards: number;
}

/** @param forward logits `[N, vocab]` of a canvas `[N]` */
export async function naiveLoop(
  forward: (ids: Int32Array) => Promise<Float32Array>,
  prompt: ArrayLike<number>,
  length: number,
  { maskId, block, vocab, suppress, threshold, blocks = Number.POSITIVE_INFINITY }: NaiveOptions,
): Promise<NaiveResult> {
  const ids = new Int32Array(prompt.length + length).fill(maskId);
  ids.set(Array.from(prompt));
  let forwards = 0;
  const last = Math.min(ids.length, prompt.length + blocks * block);
  for (let start = prompt.length; start < last; start += block) {
    const end = Math.min(ids.length, start + block);
    while (ids.subarray(start, end).includes(maskId)) {
      const logits = await forward(ids);
      forwards++;
      let best = { row: -1, id: maskId, probability: -1 };
      const certain: (typeof best)[] = [];
      for (let row = start; row < end; row++) {
        if (ids[row] !== maskId) continue;
        const found = { row, ...softmaxBest(logits.subarray(row * vocab, (row + 1) * vocab), suppress) };
        if (found.probability > best.probability) best = found;
        if (threshold !== undefined && found.probability >= threshold) certain.push(found);
      }
      for (const { row, id } of certain.length > 0 ? certain : [best]) ids[row] = id;
    }
  }
  return { ids, forwards };
}

/** The best id that may be chosen and its probability among all; the smaller id wins a tie. */
function softmaxBest(
  logits: Float32Array,
  suppress: readonly number[],
): { readonly id: number; readonly probability: number } {
  for (const id of suppress) logits[id] = Number.NEGATIVE_INFINITY;
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  let total = 0;
  for (let id = 0; id < logits.length; id++) total += Math.exp(logits[id]! - logits[best]!);
  return { id: best, probability: 1 / total };
}
