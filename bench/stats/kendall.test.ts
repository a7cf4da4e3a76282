import { expect, test } from "vitest";
import { kendallTau } from "./kendall.ts";

test("Kendall's tau counts the pairs that stand the same way round", () => {
  expect(kendallTau([4, 7, 9], [4, 7, 9])).toBe(1);
  expect(kendallTau([4, 7, 9], [9, 7, 4])).toBe(-1);
  // one pair of three is reversed
  expect(kendallTau([4, 7, 9], [7, 4, 9])).toBeCloseTo(1 / 3, 12);
  // eight of 45 pairs: 4 before 1, 2 and 3, 3 before 2, 7 before 5 and 6, 8 before 6, 10 before 9
  const order = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  expect(kendallTau(order, [4, 1, 3, 2, 7, 5, 8, 6, 10, 9])).toBeCloseTo((45 - 16) / 45, 12);
  expect(kendallTau([3], [3])).toBeNaN();
});
