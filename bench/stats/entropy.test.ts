import { expect, test } from "vitest";
import { tokenEntropy } from "./entropy.ts";

test("frequencies by hand", () => {
  expect(tokenEntropy([])).toBe(0);
  expect(tokenEntropy([7, 7, 7])).toBeCloseTo(0, 12);
  expect(tokenEntropy([1, 2, 3, 4])).toBeCloseTo(Math.log(4), 12);
  // 1/2 and twice 1/4: 1.5 bits
  expect(tokenEntropy([5, 6, 5, 9])).toBeCloseTo(1.5 * Math.LN2, 12);
});
