import fc from "fast-check";
import { expect, test } from "vitest";
import { dllmCosineQuota, dllmLinearQuota, dreamQuota, lladaQuota } from "./quota.ts";

test("llada gives the remainder to the earliest steps", () => {
  expect(lladaQuota(10, 4)).toEqual([3, 3, 2, 2]);
  expect(lladaQuota(3, 5)).toEqual([1, 1, 1, 0, 0]);
});

test("dream floors, so its first step may commit nothing", () => {
  expect(dreamQuota(16, 4)).toEqual([3, 4, 4, 5]);
  expect(dreamQuota(10, 4)).toEqual([2, 2, 2, 4]);
  expect(dreamQuota(8, 8)).toEqual([0, 1, 1, 1, 1, 1, 1, 2]);
});

test("dllm rounds half to even on the masks that are left and drops empty steps", () => {
  expect(dllmLinearQuota(10, 4)).toEqual([2, 3, 2, 3]);
  expect(dllmLinearQuota(3, 8)).toEqual([1, 1, 1]);
});

test("every table commits every mask", () => {
  const size = fc.integer({ min: 1, max: 300 });
  fc.assert(
    fc.property(size, size, (masks, steps) => {
      for (const rule of [lladaQuota, dllmLinearQuota, dllmCosineQuota, dreamQuota]) {
        const table = rule(masks, steps);
        expect(table.length).toBeLessThanOrEqual(steps);
        expect(Math.min(...table)).toBeGreaterThanOrEqual(0);
        expect(table.reduce((sum, count) => sum + count, 0)).toBe(masks);
      }
    }),
  );
});
