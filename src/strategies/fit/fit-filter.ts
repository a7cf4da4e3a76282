import { UnmaskError } from "../../core/errors.ts";
import { uniform } from "../../core/random.ts";
import { type CommitFilter, parseFilter, storeFilter, unpackFilter } from "../../model/commit-filter.ts";
import { runFilter } from "../decoders/learn2pd.ts";
import type { FilterExample } from "./greedy-oracle.ts";
import { createPerceptron, lossOf, type Perceptron, type Table } from "./perceptron.ts";

/** Size of the filter, and how it is trained. */
export interface FitOptions {
  /** Cells of a block. */
  readonly size: number;
  readonly hidden: number;
  readonly seed: number;
  /** Updates of 64 examples each; 4,000 take a few seconds. */
  readonly updates: number;
  /** Acceptance that the report counts with. */
  readonly threshold: number;
}

/** How the filter does on examples that it was neither fitted on nor chosen by; cells to be committed only. */
export interface FitReport {
  readonly examples: number;
  readonly cells: number;
  /** Cells whose best token is the final one. */
  readonly final: number;
  readonly accepted: number;
  /** Accepted cells whose token is not the final one. */
  readonly wrong: number;
  /** Mean cross-entropy, in nats a cell. */
  readonly loss: number;
}

const BATCH = 64;
const RATE = 3e-3;
const DECAY = 0.01;
/** How often the weights are tried on the validation texts. */
const LOOKS = 20;
/** Share of the accepted cells that may be wrong there. */
const MOST_WRONG = 0.01;

/**
 * Fits the filter of Learn2PD (arXiv 2509.25188) to examples: binary cross-entropy, AdamW, seven tenths of the texts to
 * learn from, two to choose by and one to report on. It begins as a plain threshold (perceptron.ts). Chosen are the weights
 * that accept most cells of the validation texts with at most one in a hundred wrong, their biases moved to just there: with
 * few texts the cross-entropy goes on falling while the most confident cells become wrong ones. The first weights are
 * among them, so the filter is a threshold where nothing better was learned. The released script takes 40,000 steps over
 * everything; ours takes mini-batches under a cosine of the rate, which is done in seconds. Pure and seeded: the same
 * examples give the same filter in Node and in a browser.
 *
 * @throws UnmaskError `invalid-options` for fewer than ten examples
 */
export function fitFilter(
  examples: readonly FilterExample[],
  options: FitOptions,
): { readonly filter: CommitFilter; readonly report: FitReport } {
  const { size, hidden, seed, updates, threshold } = options;
  if (examples.length < 10) {
    throw new UnmaskError("invalid-options", `A filter needs 10 examples, got ${examples.length}.`);
  }
  const { learn, choose, judge } = split(examples, seed);
  const table = tableOf(examples, size);
  const net = createPerceptron(size, hidden, seed);
  const best = { accepted: -1, weights: net.weights.slice() };
  const gradient = new Float64Array(net.weights.length);
  const update = adamW(net.weights, gradient);
  const batch = new Int32Array(Math.min(BATCH, learn.length));
  const tried = choose.map((index) => examples[index]!);
  for (let t = 0; t <= updates; t++) {
    if (t > 0) {
      for (let i = 0; i < batch.length; i++) {
        batch[i] = learn[Math.floor(uniform(seed, t, i, 1) * learn.length)]!;
      }
      lossOf(net, table, batch, gradient);
      update(t, 0.5 * RATE * (1 + Math.cos((Math.PI * (t - 1)) / updates)));
    }
    if (t % Math.ceil(updates / LOOKS) !== 0 && t !== updates) continue;
    const found = calibrated(net, tried, threshold);
    if (found.accepted > best.accepted) Object.assign(best, found);
  }
  const chosen = { ...net, weights: best.weights };
  // As a bundle will hold it.
  const filter = parseFilter(storeFilter(unpackFilter(size, hidden, best.weights), ""));
  const heard = judge.map((index) => examples[index]!);
  return { filter, report: reportOn(filter, heard, threshold, lossOf(chosen, table, judge)) };
}

/** The weights with the biases of the outputs moved so that no more than one in a hundred accepted cells is wrong. */
function calibrated(
  { size, hidden, weights }: Perceptron,
  examples: readonly FilterExample[],
  threshold: number,
): { accepted: number; weights: Float64Array } {
  const filter = unpackFilter(size, hidden, weights);
  const judged = examples.flatMap(({ confidences, isFinal, isMasked }) => {
    const logits = Array.from(runFilter(filter, confidences), logit);
    return logits.flatMap((z, cell) => (isMasked[cell] ? [{ z, isRight: isFinal[cell] === true }] : []));
  });
  let wrong = 0;
  let accepted = 0;
  // Nothing is accepted at the logit of the surest cell.
  let cut = Math.max(...judged.map(({ z }) => z), 0);
  const order = judged.toSorted((a, b) => b.z - a.z);
  for (const [i, { z, isRight }] of order.entries()) {
    if (!isRight) wrong++;
    const next = order[i + 1]?.z ?? z - 1;
    if (wrong > MOST_WRONG * (i + 1) || next === z) continue;
    accepted = i + 1;
    cut = (z + next) / 2;
  }
  const moved = weights.slice();
  for (let i = moved.length - size; i < moved.length; i++) moved[i]! += logit(threshold) - cut;
  return { accepted, weights: moved };
}

/** Bounded: a probability that rounds to 0 or 1 has no logit. */
function logit(p: number): number {
  const bounded = Math.min(1 - 1e-12, Math.max(1e-12, p));
  return Math.log(bounded / (1 - bounded));
}

interface Split {
  readonly learn: readonly number[];
  readonly choose: readonly number[];
  readonly judge: readonly number[];
}

/** By texts, so that nothing is judged on what it was taught; by examples where there are fewer than ten texts. */
function split(examples: readonly FilterExample[], seed: number): Split {
  const byRun = new Set(examples.map(({ run }) => run)).size >= 10;
  const groups = [...new Set(examples.map(({ run }, index) => (byRun ? run : index)))];
  const order = groups.toSorted((a, b) => uniform(seed, 0, a, 2) - uniform(seed, 0, b, 2));
  const tenth = Math.floor(groups.length / 10);
  const place = new Map(order.map((group, at) => [group, at]));
  const within = (from: number, to: number): number[] =>
    Array.from(examples.keys()).filter((index) => {
      const at = place.get(byRun ? examples[index]!.run : index)!;
      return at >= from && at < to;
    });
  return {
    choose: within(0, 2 * tenth),
    judge: within(2 * tenth, 3 * tenth),
    learn: within(3 * tenth, groups.length),
  };
}

function tableOf(examples: readonly FilterExample[], size: number): Table {
  const inputs = new Float32Array(examples.length * size);
  const targets = new Float32Array(examples.length * size).fill(-1);
  for (const [n, { confidences, isFinal }] of examples.entries()) {
    inputs.set(confidences.slice(0, size), n * size);
    targets.set(isFinal.slice(0, size).map(Number), n * size);
  }
  return { inputs, targets };
}

/** Decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101). */
function adamW(weights: Float64Array, gradient: Float64Array): (t: number, rate: number) => void {
  const mean = new Float64Array(weights.length);
  const square = new Float64Array(weights.length);
  return (t, rate) => {
    const meanScale = 1 - 0.9 ** t;
    const squareScale = 1 - 0.999 ** t;
    for (let i = 0; i < weights.length; i++) {
      const g = gradient[i]!;
      mean[i] = 0.9 * mean[i]! + 0.1 * g;
      square[i] = 0.999 * square[i]! + 0.001 * g * g;
      const step = mean[i]! / meanScale / (Math.sqrt(square[i]! / squareScale) + 1e-8);
      weights[i] = weights[i]! * (1 - rate * DECAY) - rate * step;
    }
  };
}

function reportOn(
  filter: CommitFilter,
  examples: readonly FilterExample[],
  threshold: number,
  loss: number,
): FitReport {
  const count = { cells: 0, final: 0, accepted: 0, wrong: 0 };
  for (const { confidences, isFinal, isMasked } of examples) {
    const chances = runFilter(filter, confidences);
    for (const [cell, masked] of isMasked.entries()) {
      if (!masked) continue;
      count.cells++;
      if (isFinal[cell]) count.final++;
      if (!(chances[cell]! > threshold)) continue;
      count.accepted++;
      if (!isFinal[cell]) count.wrong++;
    }
  }
  return { examples: examples.length, ...count, loss };
}
