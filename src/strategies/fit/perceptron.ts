import { uniform } from "../../core/random.ts";

/** Weights of a commit filter (src/model/commit-filter.ts) as one array: w1 `[hidden, size]`, b1, w2 `[size, hidden]`, b2. */
export interface Perceptron {
  readonly size: number;
  readonly hidden: number;
  readonly weights: Float64Array;
}

/** Rows of inputs and targets, each `[n, size]`; a target below 0 is no target (a cell that a short block lacks). */
export interface Table {
  readonly inputs: Float32Array;
  readonly targets: Float32Array;
}

/** Slope of the threshold that a fit begins as, in logits a unit of confidence. */
const SLOPE = 20;
/** A confidence of 0.9 has the probability 0.96, the usual acceptance. */
const OFFSET: number = Math.log(0.96 / 0.04) - SLOPE * 0.9;
/** Of what linear layers are commonly begun with, `[-1/sqrt(fan-in), 1/sqrt(fan-in)]`. */
const NOISE = 0.05;

/**
 * Nearly the plain threshold decoder: each cell looks at its own confidence alone, and noise breaks the symmetry. Begun at
 * random, two thousand weights have to find this diagonal first, for which a few hundred examples are too few.
 */
export function createPerceptron(size: number, hidden: number, seed: number): Perceptron {
  const weights = new Float64Array(2 * size * hidden + size + hidden);
  const atW2 = size * hidden + hidden;
  for (let i = 0; i < weights.length; i++) {
    const bound = NOISE / Math.sqrt(i < atW2 ? size : hidden);
    weights[i] = bound * (2 * uniform(seed, 0, i, 0) - 1);
  }
  for (let cell = 0; cell < Math.min(size, hidden); cell++) {
    weights[cell * size + cell]! += 1;
    weights[atW2 + cell * hidden + cell]! += SLOPE;
    weights[atW2 + size * hidden + cell]! += OFFSET;
  }
  return { size, hidden, weights };
}

/**
 * Mean binary cross-entropy over the given rows of `table`, in nats a cell.
 *
 * @param gradient receives that of the mean, `[weights]`; overwritten. Absent: only the loss
 */
export function lossOf(
  { size, hidden, weights }: Perceptron,
  { inputs, targets }: Table,
  rows: ArrayLike<number>,
  gradient?: Float64Array,
): number {
  const atB1 = size * hidden;
  const atW2 = atB1 + hidden;
  const atB2 = atW2 + size * hidden;
  const activations = new Float64Array(hidden);
  const back = new Float64Array(hidden);
  let loss = 0;
  let cells = 0;
  gradient?.fill(0);
  for (let n = 0; n < rows.length; n++) {
    const x = rows[n]! * size;
    for (let h = 0; h < hidden; h++) {
      let sum = weights[atB1 + h]!;
      for (let i = 0; i < size; i++) sum += weights[h * size + i]! * inputs[x + i]!;
      activations[h] = Math.max(0, sum);
    }
    back.fill(0);
    for (let o = 0; o < size; o++) {
      const target = targets[x + o]!;
      if (target < 0) continue;
      let logit = weights[atB2 + o]!;
      const row = atW2 + o * hidden;
      for (let h = 0; h < hidden; h++) logit += weights[row + h]! * activations[h]!;
      // ln(1 + e^z) - t z without overflow.
      loss += Math.max(logit, 0) - target * logit + Math.log1p(Math.exp(-Math.abs(logit)));
      cells++;
      if (gradient === undefined) continue;
      const slope = 1 / (1 + Math.exp(-logit)) - target;
      gradient[atB2 + o]! += slope;
      for (let h = 0; h < hidden; h++) {
        gradient[row + h]! += slope * activations[h]!;
        back[h]! += slope * weights[row + h]!;
      }
    }
    if (gradient === undefined) continue;
    for (let h = 0; h < hidden; h++) {
      if (activations[h] === 0) continue;
      gradient[atB1 + h]! += back[h]!;
      for (let i = 0; i < size; i++) gradient[h * size + i]! += back[h]! * inputs[x + i]!;
    }
  }
  if (cells === 0) return 0;
  if (gradient !== undefined) for (let i = 0; i < gradient.length; i++) gradient[i]! /= cells;
  return loss / cells;
}
