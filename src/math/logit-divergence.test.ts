import { expect, test } from "vitest";
import { divergenceOf } from "./logit-divergence.ts";

const ln = Math.log;

test("two rows by hand", () => {
  // p = (1/2, 1/4, 1/4), q = (1/4, 1/2, 1/4): KL = 1/2 ln 2 - 1/4 ln 2; the second row is shifted, which changes nothing
  const reference = [ln(2), ln(1), ln(1), 0, 1, 2];
  const other = [ln(1), ln(2), ln(1), 5, 6, 7];
  const { rows, kl, flips } = divergenceOf(reference, other, 3);
  expect([rows, flips]).toEqual([2, 1]);
  expect(kl).toBeCloseTo(0.25 * Math.LN2, 12);
});

test("suppressed tokens weigh nothing", () => {
  const none = Number.NEGATIVE_INFINITY;
  expect(divergenceOf([ln(3), ln(1), none], [ln(3), ln(1), none], 3)).toEqual({ rows: 1, kl: 0, flips: 0 });
});
