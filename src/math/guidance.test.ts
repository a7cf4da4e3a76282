import { expect, test } from "vitest";
import { applyGuidance, createGuide } from "./guidance.ts";

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

const ROWS = { rows: Int32Array.of(4, 7) };

test("the agreement is the mean cosine of centred rows, measured before they are combined", () => {
  const conditional = Float32Array.of(1, 2, 3, 5, 5, 7);
  const other = Float32Array.of(11, 12, 13, 7, 7, 5);
  const guidance = { kind: "cfg", scale: 1, agreement: true } as const;
  expect(createGuide(3).apply(conditional, other, { ...ROWS, guidance })).toBeCloseTo(0, 12);
  expect([...conditional]).toEqual([-9, -8, -7, 3, 3, 9]);
});

test("what is not finite does not count, and rows without a difference agree", () => {
  const row = Float32Array.of(1, Number.NEGATIVE_INFINITY, 2, 4, 4, 4);
  const other = Float32Array.of(3, 8, 4, 1, 2, 3);
  const guidance = { kind: "cfg", scale: 1, agreement: true } as const;
  expect(createGuide(3).apply(row, other, { ...ROWS, guidance })).toBeCloseTo(1, 12);
});

test("kept logits guide the same rows again, decayed; rows that were not kept are left alone", () => {
  const guide = createGuide(3);
  const store = { kind: "cfg", scale: 1, store: true } as const;
  guide.apply(new Float32Array(6), Float32Array.of(1, 1.5, 0, 2, 2, 2), { ...ROWS, guidance: store });
  const again = (rows: Int32Array, decay: number): number[] => {
    const logits = Float32Array.of(2, 1, 0);
    const guidance = { kind: "residual", scale: 1, decay } as const;
    guide.apply(logits, undefined, { rows, guidance });
    return [...logits];
  };
  expect(again(Int32Array.of(4), 1)).toEqual([3, 0.5, 0]);
  expect(again(Int32Array.of(4), 0.5)).toEqual([3.5, 1.25, 0]);
  expect(again(Int32Array.of(5), 1)).toEqual([2, 1, 0]);
  // What is kept is of the last such forward alone.
  guide.apply(new Float32Array(3), new Float32Array(3), { rows: Int32Array.of(7), guidance: store });
  expect(again(Int32Array.of(4), 1)).toEqual([2, 1, 0]);
});
