import { bestProbability, placeInBlock, positionOf } from "../rows.ts";
import { rank } from "../selector.ts";
import type { Pick, Selector, Step } from "../strategy.ts";

/** A two-layer perceptron from the confidences of a block to one logit a cell; ReLU between the layers. */
export interface CommitFilter {
  /** Cells of a block. */
  readonly size: number;
  /** `[hidden, size]` */
  readonly w1: readonly (readonly number[])[];
  /** `[hidden]` */
  readonly b1: readonly number[];
  /** `[size, hidden]` */
  readonly w2: readonly (readonly number[])[];
  /** `[size]` */
  readonly b2: readonly number[];
}

/** Probability of each cell that its best token is final. `confidences` is `[size]`, missing cells 0. */
export function runFilter(
  { size, w1, b1, w2, b2 }: CommitFilter,
  confidences: ArrayLike<number>,
): Float64Array {
  const hidden = b1.map((bias, h) => {
    let sum = bias;
    for (let i = 0; i < size; i++) sum += w1[h]![i]! * (confidences[i] ?? 0);
    return Math.max(0, sum);
  });
  return Float64Array.from(b2, (bias, o) => {
    let sum = bias;
    for (const [h, value] of hidden.entries()) sum += w2[o]![h]! * value;
    return 1 / (1 + Math.exp(-sum));
  });
}

export interface Learn2pdOptions {
  readonly filter: CommitFilter;
  /** Acceptance, strict; the released scripts use 0.96. */
  readonly threshold: number;
  /** Commits of each step of a block whatever the filter says. */
  readonly plan: NonNullable<Selector["plan"]>;
}

/**
 * Learning to Parallel Decoding (arXiv 2509.25188): a small filter, taught which confidences belong to tokens that the
 * slow decoder would not change any more, chooses what to commit; the quota keeps the run going. It reads the best
 * probability of every cell of the block, committed ones included, and nothing else.
 */
export function learn2pdSelector({ filter, threshold, plan }: Learn2pdOptions): Selector {
  return {
    plan,
    watch: ({ targets, block }) => targets.subarray(block.start, block.end),
    select: (step, scores) => {
      const { state, candidates } = step;
      const accepted = runFilter(filter, blockConfidences(step));
      const order = rank(scores);
      const quota = new Set(order.slice(0, state.quotas[state.stepInBlock] ?? 1));
      return order.flatMap((index): Pick[] => {
        const cell = placeInBlock(state, candidates.rows[index]!);
        if (cell >= 0 && accepted[cell]! > threshold) return [{ index, reason: "filter" }];
        return quota.has(index) ? [{ index, reason: "quota" }] : [];
      });
    },
  };
}

/** Best probability of each cell of the block, `[cells]`. */
function blockConfidences({ state: { targets, block }, stats }: Step): Float64Array {
  return Float64Array.from(targets.subarray(block.start, block.end), (row) => {
    const r = positionOf(stats.rows, row);
    return bestProbability(stats, r);
  });
}
