import { expect, test } from "vitest";
import { applyGuidance } from "./guidance.ts";

const guided = (scale: number): number[] => {
  const logits = Float32Array.of(2, 1, 0);
  applyGuidance(logits, Float32Array.of(1, 1.5, 0), scale);
  return [...logits];
};

test("extrapolates from the unconditional logits", () => {
  expect(guided(1)).toEqual([3, 0.5, 0]);
  const total = Math.exp(3) + Math.exp(0.5) + 1;
  expect(Math.exp(3) / total).toBeCloseTo(0.883492, 6);
});

test("scale 0 is the conditional model, -1 the unconditional one", () => {
  expect(guided(0)).toEqual([2, 1, 0]);
  expect(guided(-1)).toEqual([1, 1.5, 0]);
});
