import type { RowStats } from "../../core/types.ts";
import type { CommitFilter } from "../../model/commit-filter.ts";
import { quotaSelector, rank } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import { bestProbability, placeInBlock, positionOf } from "../rows.ts";
import type { Pick, Selector, Step } from "../strategy.ts";

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
  /** What the filter reads of statistics row `r`; absent: the best probability. The reference reads that of the token drawn. */
  readonly reads?: Reading;
}

type Reading = (stats: RowStats, r: number, row: number) => number;

/**
 * Learning to Parallel Decoding (arXiv 2509.25188): a small filter, taught which confidences belong to tokens that the
 * slow decoder would not change any more, chooses what to commit; the quota keeps the run going. It reads the best
 * probability of every cell of the block, committed ones included, and nothing else.
 */
export function learn2pdSelector({ filter, threshold, plan, reads }: Learn2pdOptions): Selector {
  return {
    plan,
    watch: ({ targets, block }) => targets.subarray(block.start, block.end),
    select: (step, scores) => {
      const { state, candidates } = step;
      const accepted = runFilter(filter, blockConfidences(step, reads));
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

/** Best probability of each cell of the block, or what else is read of it; `[cells]`. */
export function blockConfidences(
  { state: { targets, block }, stats }: Step,
  reads: Reading = bestProbability,
): Float64Array {
  return Float64Array.from(targets.subarray(block.start, block.end), (row) =>
    reads(stats, positionOf(stats.rows, row), row),
  );
}

/**
 * Needs a filter that was fitted to the bundle (`unmask fit learn2pd`); the engine refuses a bundle without one, and here
 * it leaves the quota alone. The end of the text is predicted as in the paper, with a guard; see eotp.ts.
 */
export const learn2pdPreset: Preset = {
  title: "Learn2PD: a small filter knows which tokens are final",
  keys: ["threshold", "steps"],
  defaults: { threshold: 0.96, block: 32 },
  unranked: true,
  eotp: { minConf: 0.9, notBefore: "block-end", minTokens: 0 },
  pieces: ({ threshold, steps }, { filter }) => {
    const quota = quotaSelector({ steps, keepZeroSteps: false });
    if (filter === undefined) return { selector: quota };
    return { selector: learn2pdSelector({ filter, threshold, plan: quota.plan! }) };
  },
};
