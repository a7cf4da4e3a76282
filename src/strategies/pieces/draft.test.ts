import { expect, test } from "vitest";
import { continuationCanvas, editCanvas, FILLED, MASKED } from "../canvas.ts";
import { blendOf } from "../forward.ts";
import { hintDraft, placeDraft, promptLookup } from "./draft.ts";

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

test("worked example: hints leave the cells masked, end with the mask, and move with their cells", () => {
  const MASK = 63;
  const canvas = continuationCanvas([1, 2], 4, MASK);
  // One token more than there are cells.
  const draft = Int32Array.of(7, 8, 9, 10, 11);
  const hints = hintDraft(canvas, 2, draft, { share: 1, seed: 1, blend: 0.5 });
  expect([...canvas.ids]).toEqual([1, 2, MASK, MASK, MASK, MASK]);
  expect(blendOf({ hints }, canvas)).toEqual({
    blend: { ids: Int32Array.of(-1, -1, 7, 8, 9, 10), share: 0.5 },
  });
  // A token in the second cell: it is read as itself.
  canvas.ids[3] = 20;
  canvas.kinds[3] = FILLED;
  expect(blendOf({ hints }, canvas).blend!.ids).toEqual(Int32Array.of(-1, -1, 7, -1, 9, 10));
  // Taken back, it is a mask with a hint again; what the forward does not see has none.
  canvas.ids[3] = MASK;
  canvas.kinds[3] = MASKED;
  expect(blendOf({ hints }, canvas, 4).blend!.ids).toEqual(Int32Array.of(-1, -1, 7, 8));
  const edited = editCanvas(canvas, { inserts: [{ at: 3, n: 1 }], deletes: [{ at: 4, n: 2 }] }, MASK);
  expect(blendOf({ hints }, edited).blend!.ids).toEqual(Int32Array.of(-1, -1, 7, -1, 8));
  expect(blendOf({}, canvas)).toEqual({});
});

test("a share of a draft's tokens hints as it would stand: the same cells for a seed", () => {
  const choice = { share: 0.4, seed: 5 };
  const canvas = continuationCanvas([1, 2], 100, 63);
  const draft = new Int32Array(100).fill(7);
  const { ids } = hintDraft(canvas, 2, draft, { ...choice, blend: 1 });
  placeDraft(canvas, 2, draft, choice);
  expect(Array.from(ids, (id) => id >= 0)).toEqual(Array.from(canvas.kinds, (kind) => kind === FILLED));
});
