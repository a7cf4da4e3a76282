import { expect, test } from "vitest";
import { continuationCanvas } from "../canvas.ts";
import { startState } from "../decode.ts";
import type { DecodeState, Pick, Selector, Step } from "../strategy.ts";
import { blockSteps, quotaSelector, rank, thresholdSelector } from "./selector.ts";

function picks(selector: Selector, scores: readonly number[], state?: Partial<DecodeState>): readonly Pick[] {
  const probabilities = Float64Array.from(scores);
  const rows = Int32Array.from(scores.keys());
  const candidates = { rows, ids: new Int32Array(scores.length), probabilities, at: rows };
  const base = startState(continuationCanvas([], scores.length, 9));
  // Neither rule looks at the statistics.
  return selector.select({ state: { ...base, ...state }, candidates } as Step, probabilities);
}

function select(...args: Parameters<typeof picks>): readonly number[] {
  return picks(...args).map(({ index }) => index);
}

test("the threshold rule takes the best row always and every other at or above it", () => {
  expect(select(thresholdSelector(0.9), [0.97, 0.93, 0.95, 0.4, 0.88])).toEqual([0, 2, 1]);
  expect(select(thresholdSelector(0.9), [0.1, 0.3, 0.2])).toEqual([1]);
  expect(select(thresholdSelector(0.5), [0.5, 0.4])).toEqual([0]);
  expect(select(thresholdSelector(0), [0.1, 0, 0.2])).toEqual([2, 0, 1]);
});

test("the threshold rule says why a row was taken", () => {
  const selector = thresholdSelector(0.9);
  expect(picks(selector, [0.2, 0.3])).toEqual([{ index: 1, reason: "best" }]);
  expect(picks(selector, [0.2, 0.95])[0]!.reason).toBe("threshold");
});

test("a lower threshold never takes fewer rows of the same statistics", () => {
  const scores = [0.1, 0.9, 0.5, 0.7, 0.3];
  const sizes = [1, 0.8, 0.6, 0.4, 0.2, 0].map((tau) => select(thresholdSelector(tau), scores).length);
  expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
});

test("the quota rule takes the best rows of its step", () => {
  const selector = quotaSelector({ steps: 2, keepZeroSteps: false });
  expect(select(selector, [0.2, 0.9, 0.5], { quotas: [2, 1], stepInBlock: 0 })).toEqual([1, 2]);
});

test("ties go to the lower row and NaN ranks last", () => {
  expect(rank(Float64Array.of(0.5, 0.7, 0.5, Number.NaN, 0))).toEqual([1, 0, 2, 4, 3]);
});

test("steps are shared by the blocks in proportion to their size", () => {
  expect(blockSteps({ start: 0, end: 8 }, 32, 16)).toBe(4);
  const uneven = [0, 32, 64].map((start) => blockSteps({ start, end: Math.min(start + 32, 80) }, 80, 40));
  expect(uneven).toEqual([16, 16, 8]);
  expect(blockSteps({ start: 8, end: 16 }, 32, 1)).toBe(1);
});
