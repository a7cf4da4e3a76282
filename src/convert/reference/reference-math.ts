import type { Activation } from "../transformer/transformer.ts";

/** The float64 arithmetic of the reference forward. Rows of a state stand one after the other. */

/** Columns `[start, ..)` of `y`, four rows of `x` for each time that a row of the weights is read. */
export function multiply(
  x: Float64Array,
  weights: Float32Array,
  k: number,
  start: number,
  n: number,
  y: Float64Array,
): void {
  const rows = x.length / k;
  const w = new Float64Array(k);
  for (let out = 0; out * k < weights.length; out++) {
    w.set(weights.subarray(out * k, (out + 1) * k));
    for (let row = 0; row < rows; row += 4) {
      // Rows beyond the last repeat it: their sums are written to the same place.
      const [a, b, c, d] = [0, 1, 2, 3].map((more) => Math.min(row + more, rows - 1)) as Four;
      const [atA, atB, atC, atD] = [a * k, b * k, c * k, d * k];
      let sumA = 0;
      let sumB = 0;
      let sumC = 0;
      let sumD = 0;
      for (let i = 0; i < k; i++) {
        const weight = w[i]!;
        sumA += x[atA + i]! * weight;
        sumB += x[atB + i]! * weight;
        sumC += x[atC + i]! * weight;
        sumD += x[atD + i]! * weight;
      }
      y[a * n + start + out] = sumA;
      y[b * n + start + out] = sumB;
      y[c * n + start + out] = sumC;
      y[d * n + start + out] = sumD;
    }
  }
}

type Four = [number, number, number, number];

/** Half-rotated RoPE over every head of every row. */
export function rotate(
  x: Float64Array,
  ropeTheta: number,
  positions: readonly number[],
  headDim: number,
): Float64Array {
  const half = headDim / 2;
  const width = x.length / positions.length;
  const y = new Float64Array(x.length);
  positions.forEach((position, row) => {
    for (let from = row * width; from < (row + 1) * width; from += headDim) {
      for (let j = 0; j < half; j++) {
        const angle = position * ropeTheta ** ((-2 * j) / headDim);
        const [a, b] = [x[from + j]!, x[from + half + j]!];
        y[from + j] = a * Math.cos(angle) - b * Math.sin(angle);
        y[from + half + j] = b * Math.cos(angle) + a * Math.sin(angle);
      }
    }
  });
  return y;
}

export type Row = Float64Array | Float32Array | undefined;

/** `x * (1 + scale) + shift`, row by row. */
export function modulate(x: Float64Array, shift: Row, scale: Row): Float64Array {
  if (shift === undefined || scale === undefined) return x;
  return x.map((value, at) => value * (1 + scale[at % scale.length]!) + shift[at % shift.length]!);
}

export function addGated(x: Float64Array, branch: Float64Array, gate: Row): Float64Array {
  return x.map((value, at) => value + branch[at]! * (gate?.[at % gate.length] ?? 1));
}

export const ACTIVATE: Readonly<Record<Activation, (x: number) => number>> = {
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  "gelu-tanh": (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  relu: (x) => Math.max(0, x),
};

/** The series of positive terms, `2/sqrt(pi) exp(-x²) sum 2^n x^(2n+1) / (1·3·…·(2n+1))`; beyond 6 it is ±1. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
