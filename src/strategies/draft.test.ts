import { expect, test } from "vitest";
import { continuationCanvas, FILLED } from "./canvas.ts";
import { placeDraft, promptLookup } from "./draft.ts";

const look = (text: readonly number[], cells = 3): number[] => [
  ...promptLookup(Int32Array.from(text), cells),
];

test("the draft is what followed the longest run of last tokens, the last time it stood there", () => {
  expect(look([1, 2, 3, 4, 9, 1, 2])).toEqual([3, 4, 9]);
  expect(look([1, 2, 3, 9, 1, 2, 4, 9, 1, 2])).toEqual([4, 9, 1]);
  // Three tokens match further back than two.
  expect(look([7, 1, 2, 5, 8, 1, 2, 6, 7, 1, 2], 1)).toEqual([5]);
  expect(look([1, 2, 3, 4, 9, 1, 2], 1)).toEqual([3]);
});

test("a run may repeat itself, and nothing comes of a single token or a short text", () => {
  expect(look([5, 5, 5, 5])).toEqual([5]);
  expect(look([1, 2, 3, 2])).toEqual([]);
  expect(look([1])).toEqual([]);
  expect(look([])).toEqual([]);
});

test("tokens of a draft stand in their cells with the asked probability, by the seed", () => {
  const filled = (share: number, seed = 1): number => {
    const canvas = continuationCanvas([1, 2], 200, 63);
    placeDraft(canvas, 2, new Int32Array(300).fill(7), { share, seed });
    for (const [row, kind] of canvas.kinds.entries()) if (kind === FILLED) expect(canvas.ids[row]).toBe(7);
    return canvas.kinds.reduce((sum, kind) => sum + (kind === FILLED ? 1 : 0), 0);
  };
  expect(filled(0)).toBe(0);
  expect(filled(1)).toBe(200);
  expect(Math.abs(filled(0.5) - 100)).toBeLessThan(30);
  expect(filled(0.5)).toBe(filled(0.5));
  expect(filled(0.5, 2)).not.toBe(filled(0.5, 3));
});
