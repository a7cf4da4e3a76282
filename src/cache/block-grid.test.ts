import { expect, test } from "vitest";
import { blockAround, blockBias, blockOf } from "./block-grid.ts";

const GRID = { kind: "block-causal", block: 4, align: "absolute" } as const;
const FROM_PROMPT = { ...GRID, align: "prompt-end" } as const;

test("absolute blocks start at row 0, prompt-end blocks at the end of the prompt", () => {
  const blocks = (grid: typeof GRID | typeof FROM_PROMPT) =>
    [0, 1, 2, 3, 4, 6, 7, 9].map((row) => blockOf(row, grid, 6));
  expect(blocks(GRID)).toEqual([0, 0, 0, 0, 1, 1, 1, 2]);
  expect(blocks(FROM_PROMPT)).toEqual([0, 0, 1, 1, 1, 2, 2, 2]);
  expect(blockAround(5, GRID, 6)).toEqual({ start: 4, end: 8 });
  expect(blockAround(1, FROM_PROMPT, 6)).toEqual({ start: 0, end: 2 });
  expect(blockAround(8, FROM_PROMPT, 6)).toEqual({ start: 6, end: 10 });
});

test("a query sees its own block and earlier ones, whatever the order of the keys", () => {
  const bias = new Float32Array(2 * 2 * 4);
  blockBias(GRID, 0, [3, 4], [8, 0, 3, 4], 2, -9, bias);
  const row3 = [-9, 0, 0, -9];
  const row4 = [-9, 0, 0, 0];
  expect([...bias]).toEqual([...row3, ...row3, ...row4, ...row4]);
});
