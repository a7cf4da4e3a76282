import { expect, test } from "vitest";
import { continuationCanvas } from "../canvas.ts";
import { startState } from "../decode.ts";
import type { Step } from "../strategy.ts";
import { guidedSelector, ngramSupervisor } from "./guided.ts";

const MASK = 63;

function pick(
  proposed: readonly number[],
  expected: readonly (number | undefined)[],
  scores: readonly number[],
) {
  const rows = Int32Array.from(proposed.keys());
  const candidates = {
    rows,
    ids: Int32Array.from(proposed),
    probabilities: Float64Array.from(scores),
    at: rows,
  };
  const state = startState(continuationCanvas([], proposed.length, MASK));
  const step = { state, candidates, traits: { maskId: MASK } } as unknown as Step; // it looks at nothing else
  return guidedSelector(() => (_ids, row) => expected[row])
    .select(step, candidates.probabilities)
    .map(({ index }) => index);
}

test("the leftmost run of agreement is committed, the best row when there is none", () => {
  expect(pick([5, 6, 7, 8], [5, 6, 9, 8], [0.1, 0.2, 0.3, 0.4])).toEqual([0, 1]);
  expect(pick([5, 6, 7, 8], [5, 6, 7, 8], [0.1, 0.2, 0.3, 0.4])).toEqual([0, 1, 2, 3]);
  expect(pick([5, 6, 7, 8], [undefined, 6, 7, 8], [0.1, 0.2, 0.9, 0.4])).toEqual([2]);
});

test("the supervisor of n-grams reads the text, two tokens before one, later before earlier", () => {
  const text = Int32Array.of(1, 2, 3, 1, 2, 4, 9, 2, 5, MASK, 6);
  const expected = ngramSupervisor(text, MASK);
  expect(expected(Int32Array.of(1, 2, MASK), 2)).toBe(4);
  expect(expected(Int32Array.of(7, 2, MASK), 2)).toBe(5);
  expect(expected(Int32Array.of(9, 2, MASK), 2)).toBe(5);
  expect(expected(Int32Array.of(8, 8, MASK), 2)).toBeUndefined();
});

test("a supervisor that always agrees ends in one step, one without an opinion commits the best row alone", () => {
  const proposed = [5, 6, 7, 8];
  expect(pick(proposed, proposed, [0.4, 0.3, 0.2, 0.1])).toHaveLength(4);
  expect(pick(proposed, [undefined, undefined, undefined, undefined], [0.1, 0.3, 0.2, 0.1])).toEqual([1]);
});
