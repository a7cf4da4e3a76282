import { expect, test } from "vitest";
import { distinctShare, repeatedShare } from "./ngrams.ts";

test("distinct-2 is pooled over the texts and does not cross their ends", () => {
  // 12, 23 and 12, 21: three of four are different
  expect(
    distinctShare(
      [
        [1, 2, 3],
        [1, 2, 1],
      ],
      2,
    ),
  ).toBe(3 / 4);
  expect(distinctShare([[1], []], 2)).toBe(0);
  expect(
    distinctShare(
      [
        [11, 2],
        [1, 12],
      ],
      2,
    ),
  ).toBe(1);
});

test("repeated 4-grams count from the second time on", () => {
  // 1234 2341 3412 4123 1234
  expect(repeatedShare([1, 2, 3, 4, 1, 2, 3, 4], 4)).toBeCloseTo(1 / 5, 12);
  expect(repeatedShare([9, 9, 9, 9, 9, 9], 4)).toBeCloseTo(2 / 3, 12);
  expect(repeatedShare([1, 2, 3], 4)).toBe(0);
});
