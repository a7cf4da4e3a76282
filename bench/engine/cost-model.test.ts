import { expect, test } from "vitest";
import { fitCost } from "./cost-model.ts";

const GRID = [8, 32, 128, 256].flatMap((rows) => [256, 512].map((keys) => ({ rows, keys })));

test("finds the terms that the times were made of", () => {
  const samples = GRID.map(({ rows, keys }) => ({ rows, keys, ms: 3 + 0.25 * rows + 1e-4 * rows * keys }));
  const { fixed, perRow, perPair, error } = fitCost(samples);
  expect(fixed).toBeCloseTo(3, 6);
  expect(perRow).toBeCloseTo(0.25, 8);
  expect(perPair).toBeCloseTo(1e-4, 10);
  expect(error).toBeLessThan(1e-9);
});

test("noise of a tenth stays in the error, not in the terms", () => {
  const samples = GRID.map(({ rows, keys }, i) => ({
    rows,
    keys,
    ms: (3 + 0.25 * rows + 1e-4 * rows * keys) * (i % 2 === 0 ? 1.05 : 0.95),
  }));
  const { perRow, error } = fitCost(samples);
  expect(perRow).toBeGreaterThan(0.2);
  expect(perRow).toBeLessThan(0.35);
  expect(error).toBeGreaterThan(0.01);
});

test("samples of one shape tell nothing", () => {
  const same = Array.from({ length: 5 }, () => ({ rows: 8, keys: 256, ms: 4 }));
  expect(() => fitCost(same)).toThrow(RangeError);
});
