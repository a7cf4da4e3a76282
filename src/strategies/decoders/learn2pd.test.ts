import fc from "fast-check";
import { expect, test } from "vitest";
import type { CommitFilter } from "../../model/commit-filter.ts";
import { continuationCanvas } from "../canvas.ts";
import { startState } from "../decode.ts";
import type { Step } from "../strategy.ts";
import { learn2pdSelector } from "./learn2pd.ts";

const SIZE = 4;
const eye = (scale: number): number[][] =>
  Array.from({ length: SIZE }, (_, i) => Array.from({ length: SIZE }, (_, j) => (i === j ? scale : 0)));
/** `logit_i = 20 (p_i - 0.95)` */
const DIAGONAL: CommitFilter = {
  size: SIZE,
  w1: eye(20),
  b1: new Array(SIZE).fill(0),
  w2: eye(1),
  b2: new Array(SIZE).fill(-19),
};

function pick(probabilities: readonly number[], threshold: number, filter = DIAGONAL): number[] {
  const rows = Int32Array.from(probabilities.keys());
  const confidences = Float64Array.from(probabilities);
  const state = { ...startState(continuationCanvas([], SIZE, 9)), block: { start: 0, end: SIZE } };
  const stats = { rows, k: 1, lse: new Float64Array(SIZE), topLogits: confidences.map(Math.log) };
  const candidates = { rows, ids: rows, probabilities: confidences, at: rows };
  const step = { state, stats, candidates } as unknown as Step; // it looks at nothing else
  return learn2pdSelector({ filter, threshold, plan: () => [1, 1, 1, 1] })
    .select(step, confidences)
    .map(({ index }) => index)
    .sort();
}

test("what the filter accepts is committed together with the quota", () => {
  expect(pick([0.97, 0.9, 0.99, 0.4], 0.5)).toEqual([0, 2]);
  expect(pick([0.5, 0.5, 0.5, 0.5], 0.5)).toEqual([0]);
});

const cells = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: SIZE, maxLength: SIZE });
const unit = fc.double({ min: 0, max: 1, noNaN: true });

test("the best cell is always taken, and a higher threshold never accepts more", () => {
  fc.assert(
    fc.property(cells, unit, unit, (p, a, b) => {
      const [low, high] = [pick(p, Math.min(a, b)), pick(p, Math.max(a, b))];
      expect(low).toContain(p.indexOf(Math.max(...p)));
      expect(low).toEqual(expect.arrayContaining(high));
    }),
  );
});

test("a filter that accepts nothing leaves the quota alone", () => {
  const never = { ...DIAGONAL, w1: eye(0), b2: new Array(SIZE).fill(-1000) };
  fc.assert(
    fc.property(cells, (p) => {
      expect(pick(p, 0.5, never)).toEqual([p.indexOf(Math.max(...p))]);
    }),
  );
});
