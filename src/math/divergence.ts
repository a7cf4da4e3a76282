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
  return {
    track(rows, logits, lse, mode, out) {
      if (mode === "first") kept = new Map();
      for (const [r, row] of rows.entries()) {
        const before = kept.get(row);
        const now = before ?? new Float64Array(vocab);
        let sum = 0;
        for (let id = 0; id < vocab; id++) {
          const p = Math.exp(logits[r * vocab + id]! - lse[r]!);
          if (before !== undefined) sum += p * (Math.log(p + FLOOR) - Math.log(before[id]! + FLOOR));
          now[id] = p;
        }
        out[r] = before === undefined ? Number.POSITIVE_INFINITY : Math.max(0, sum);
        if (before === undefined) kept.set(row, now);
      }
    },
  };
}
