import { expect, test } from "vitest";
import { createDivergenceTracker } from "./divergence.ts";

const ROWS = Int32Array.of(4);

/** KL(now || before) after two forwards with these logits. */
function between(before: number[], now: number[]): number {
  const tracker = createDivergenceTracker(before.length);
  const out = new Float64Array(1);
  for (const [n, logits] of [before, now].entries()) {
    const best = Math.max(...logits);
    const lse = best + Math.log(logits.reduce((sum, l) => sum + Math.exp(l - best), 0));
    tracker.track(ROWS, Float32Array.from(logits), Float32Array.of(lse), n === 0 ? "first" : "next", out);
  }
  return out[0]!;
}

test("a divergence by hand", () => {
  // (1/2, 1/2) to (3/4, 1/4): 3/4 ln(3/2) + 1/4 ln(1/2).
  const want = 0.75 * Math.log(1.5) + 0.25 * Math.log(0.5);
  expect(between([0, 0], [Math.log(3), 0])).toBeCloseTo(want, 6);
  expect(between([1, 2, 3], [1, 2, 3])).toBe(0);
});

test("a row that was never seen is infinitely far away, after `first` every row is", () => {
  const tracker = createDivergenceTracker(2);
  const out = new Float64Array(1);
  const logits = Float32Array.of(0, 0);
  const lse = Float32Array.of(Math.log(2));
  for (const mode of ["first", "first"] as const) {
    tracker.track(ROWS, logits, lse, mode, out);
    expect(out[0]).toBe(Number.POSITIVE_INFINITY);
  }
  tracker.track(ROWS, logits, lse, "next", out);
  expect(out[0]).toBe(0);
});

test("logits beside which a float32 lse says nothing still give probabilities", () => {
  expect(between([3e38, 3e38, 0], [3e38, 3e38, 0])).toBe(0);
  expect(between([3e38, 3e38, 0], [3e38, 0, 0])).toBeCloseTo(Math.log(2), 6);
});
