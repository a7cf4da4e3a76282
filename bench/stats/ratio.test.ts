import { expect, test } from "vitest";
import { ratioOf } from "./ratio.ts";

test("for equal denominators it is the mean and its standard error", () => {
  const { value, error } = ratioOf([
    [1, 1],
    [2, 1],
    [6, 1],
  ]);
  expect(value).toBe(3);
  // variance (4 + 1 + 9) / 2 = 7, over 3
  expect(error).toBeCloseTo(Math.sqrt(7 / 3), 12);
});

test("long documents weigh more", () => {
  expect(
    ratioOf([
      [10, 2],
      [10, 8],
    ]).value,
  ).toBe(2);
  expect(ratioOf([[3, 2]])).toEqual({ value: 1.5, error: Number.NaN });
});
