import { expect, test } from "vitest";
import { type CommitFilter, parseFilter, storeFilter } from "./commit-filter.ts";

const FILTER: CommitFilter = {
  size: 2,
  w1: [
    [1, -2],
    [0.5, 0.25],
    [3, 0],
  ],
  b1: [0.125, -1, 7],
  w2: [
    [1, 2, 3],
    [4, 5, 6],
  ],
  b2: [-0.5, 8],
};

test("a filter survives being stored, rounded to f16", () => {
  const stored = storeFilter(FILTER, "int8");
  expect(stored).toMatchObject({ variant: "int8", block: 2, hidden: 3 });
  expect(parseFilter(stored)).toEqual(FILTER);
  const third = storeFilter({ ...FILTER, b2: [1 / 3, 0] }, "q4");
  expect(parseFilter(third).b2[0]).toBeCloseTo(1 / 3, 3);
});

test.each([
  ["too short", (weights: string) => weights.slice(4)],
  ["not hexadecimal", (weights: string) => `zzzz${weights.slice(4)}`],
  ["not a number", (weights: string) => `7e00${weights.slice(4)}`],
])("weights that are %s are refused", (_what, damage) => {
  const stored = storeFilter(FILTER, "int8");
  expect(() => parseFilter({ ...stored, weights: damage(stored.weights) })).toThrow(
    expect.objectContaining({ code: "manifest-invalid" }),
  );
});
