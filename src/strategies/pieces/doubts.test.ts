import fc from "fast-check";
import { expect, test } from "vitest";
import type { RowStats } from "../../core/types.ts";
import { type Canvas, createCanvas, FILLED, MASKED } from "../canvas.ts";
import { watchDoubts } from "./doubts.ts";

/** The best tokens of some rows; nothing else is looked at. */
const look = (best: Readonly<Record<number, number>>): RowStats =>
  ({
    rows: Int32Array.from(Object.keys(best), Number),
    k: 1,
    topIds: Int32Array.from(Object.values(best)),
  }) as unknown as RowStats;

function filled(ids: readonly number[], shift = 0): Canvas {
  const canvas = createCanvas(ids, [{ start: 0, end: ids.length }], 63);
  canvas.ids.set(ids);
  canvas.kinds.fill(FILLED);
  return { ...canvas, slots: canvas.slots.map((slot) => slot + shift) };
}

const judge = (history: readonly number[], final: number) => {
  const watch = watchDoubts();
  const canvas = filled([final]);
  for (const id of history) watch.observe(canvas.slots, look({ 0: id }));
  return watch.judge(canvas);
};

test("flip counts changes, osc the looks that preferred another token", () => {
  const [doubt] = judge([5, 5, 7, 5], 5);
  expect(doubt!.flip).toBeCloseTo(2 / 3, 12);
  expect(doubt!.osc).toBe(0.25);
});

test("a constant history says nothing against a cell, and only the last eight looks count", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5), { maxLength: 20 }), (before) => {
      expect(judge([...before, ...new Array(8).fill(3)], 3)).toEqual([{ row: 0, flip: 0, osc: 0 }]);
    }),
  );
});

test("cells that were hardly looked at, never, or are still masked are not judged", () => {
  expect(judge([1, 2, 3], 4)).toEqual([]);
  const watch = watchDoubts();
  const canvas = filled([1, 2]);
  for (let i = 0; i < 5; i++) watch.observe(canvas.slots, look({ 1: i }));
  expect(watch.judge(canvas).map(({ row }) => row)).toEqual([1]);
  canvas.kinds[1] = MASKED;
  expect(watch.judge(canvas)).toEqual([]);
});

test("a cell keeps its history when it moves", () => {
  const watch = watchDoubts();
  for (const id of [4, 6, 4, 6]) watch.observe(filled([0, 0, 0]).slots, look({ 2: id }));
  // Two cells before it were deleted.
  expect(watch.judge(filled([6], 2))).toEqual([{ row: 0, flip: 1, osc: 0.5 }]);
});
