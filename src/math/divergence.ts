import type { SignalRequest } from "../core/types.ts";

/** Keeps each row's distribution from one forward to the next and measures how far it moved. */
export interface DivergenceTracker {
  /**
   * @param logits `[R, vocab]`, as they were reduced: suppressed entries are -Infinity
   * @param lse `[R]`
   * @param out `[R]`, receives KL(now || before) in nats; Infinity for a row that was not kept before
   */
  track(
    rows: Int32Array,
    logits: Float32Array,
    lse: ArrayLike<number>,
    mode: NonNullable<SignalRequest["klPrevious"]>,
    out: Float32Array | Float64Array,
  ): void;
}

/** KLASS adds this to both probabilities before the logarithm. */
const FLOOR = 1e-12;

/** Divergences in float64 (KLASS, llada_klass.py: `sum p (ln(p + 1e-12) - ln(q + 1e-12))`). Holds one row of the vocabulary a canvas row. */
export function createDivergenceTracker(vocab: number): DivergenceTracker {
  let kept = new Map<number, Float64Array>();
  let spare: Float64Array = new Float64Array(vocab);
  return {
    track(rows, logits, lse, mode, out) {
      if (mode === "first") kept = new Map();
      for (const [r, row] of rows.entries()) {
        const now = spare;
        distribution(logits.subarray(r * vocab, (r + 1) * vocab), lse[r]!, now);
        const before = kept.get(row);
        out[r] = before === undefined ? Number.POSITIVE_INFINITY : divergence(now, before);
        kept.set(row, now);
        spare = before ?? new Float64Array(vocab);
      }
    },
  };
}

/** Divided by their sum once more: beside huge logits a float32 `lse` is no more exact than the best logit. */
function distribution(logits: Float32Array, lse: number, out: Float64Array): void {
  if (lse === Number.NEGATIVE_INFINITY) {
    out.fill(0);
    return;
  }
  let total = 0;
  for (let id = 0; id < out.length; id++) {
    const p = Math.exp(logits[id]! - lse);
    out[id] = p;
    total += p;
  }
  for (let id = 0; id < out.length; id++) out[id]! /= total;
}

function divergence(now: Float64Array, before: Float64Array): number {
  let sum = 0;
  for (let id = 0; id < now.length; id++) {
    const p = now[id]!;
    sum += p * (Math.log(p + FLOOR) - Math.log(before[id]! + FLOOR));
  }
  return Math.max(0, sum);
}
