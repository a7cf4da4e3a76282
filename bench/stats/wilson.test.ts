import { expect, test } from "vitest";
import { wilson } from "./wilson.ts";

test("matches the published interval of 8 in 10", () => {
  const [low, high] = wilson(8, 10);
  expect(low).toBeCloseTo(0.4902, 3);
  expect(high).toBeCloseTo(0.9433, 3);
});

test("stays inside [0, 1] at the ends", () => {
  expect(wilson(0, 10)[0]).toBe(0);
  const top = wilson(10, 10)[1];
  expect(top).toBeLessThanOrEqual(1);
  expect(top).toBeCloseTo(1, 12);
  expect(wilson(0, 0)).toEqual([0, 1]);
});
