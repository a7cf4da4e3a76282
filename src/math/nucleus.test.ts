import { expect, test } from "vitest";
import { nucleusSize } from "./nucleus.ts";

const NOISE = { temperature: 1, seed: 0, step: 0, topK: 0, topP: 1 };
const row = Float32Array.from([Math.log(0.5), Math.log(0.3), Math.log(0.15), Math.log(0.05)]);

test("keeps the smallest set that reaches topP", () => {
  expect(nucleusSize(row, row, 4, { ...NOISE, topP: 0.5 })).toBe(1);
  expect(nucleusSize(row, row, 4, { ...NOISE, topP: 0.51 })).toBe(2);
  expect(nucleusSize(row, row, 4, { ...NOISE, topP: 0.9 })).toBe(3);
});

test("top-k applies first and renormalises", () => {
  expect(nucleusSize(row, row, 4, { ...NOISE, topK: 2 })).toBe(2);
  expect(nucleusSize(row, row, 2, { ...NOISE, topK: 2, topP: 0.6 })).toBe(1);
});

test("the whole row competes when the listed tokens do not reach topP", () => {
  expect(nucleusSize(row, row, 2, { ...NOISE, topP: 0.9 })).toBe(4);
});

test("temperature flattens before the cut", () => {
  expect(nucleusSize(row, row, 4, { ...NOISE, topP: 0.5, temperature: 10 })).toBe(2);
});
