import type { Span } from "../../core/types.ts";
import type { DecodeState, Selector } from "../strategy.ts";
import { lladaQuota } from "./quota.ts";

/** Indices by descending score; ties keep the lower row first. NaN ranks last. */
export function rank(scores: Float64Array): number[] {
  const key = (index: number): number => {
    const score = scores[index]!;
    return Number.isNaN(score) ? Number.NEGATIVE_INFINITY : score;
  };
  return Array.from(scores.keys()).sort((a, b) => key(b) - key(a) || a - b);
}

export interface QuotaOptions {
  /** Steps for the whole region; a block gets its share by size, and at least one. */
  readonly steps: number;
  /**
   * LLaDA spends a forward on a step whose quota is zero (more steps than masks). We skip those; golden replays keep
   * them.
   */
  readonly keepZeroSteps: boolean;
}

/** The best `quota` rows a step, by LLaDA's table for the masks and the steps there are. */
export function quotaSelector({ steps, keepZeroSteps }: QuotaOptions): Selector {
  return {
    ...(keepZeroSteps ? { isPending: (state: DecodeState) => state.stepInBlock < state.quotas.length } : {}),
    plan: (state, masks) => {
      const table = lladaQuota(masks, stepsLeft(state, steps));
      return keepZeroSteps ? table : table.filter((quota) => quota > 0);
    },
    select: ({ state }, scores) => {
      return rank(scores)
        .slice(0, plannedQuota(state))
        .map((index) => ({ index, reason: "quota" }));
    },
  };
}

/** Commits of this step by the plan of the block. Masks that it did not reckon with go on at its last pace. */
export function plannedQuota({ quotas, stepInBlock }: DecodeState): number {
  return quotas[stepInBlock] ?? Math.max(1, quotas.at(-1) ?? 1);
}

/** Steps behind that the plan of the open block had something to do for: one that only checked a draft is none. */
export function stepsTaken({ quotas, stepInBlock }: DecodeState): number {
  return quotas.slice(0, stepInBlock).filter((quota) => quota > 0).length;
}

/** Steps that the open block has for its masks, of `steps` for the whole region; at least one. */
export function stepsLeft(state: DecodeState, steps: number): number {
  return Math.max(1, blockSteps(state.block, state.targets.length, steps) - stepsTaken(state));
}

/** Steps of one block: proportional to its size, exact when everything divides, never below one. */
export function blockSteps(block: Span, total: number, steps: number): number {
  const before = Math.floor((block.start * steps) / total);
  return Math.max(1, Math.floor((block.end * steps) / total) - before);
}

/** Fast-dLLM: the best row always, and every other whose score is at least `threshold`. */
export function thresholdSelector(threshold: number): Selector {
  return {
    select: (_step, scores) =>
      rank(scores)
        .filter((index, place) => place === 0 || scores[index]! >= threshold)
        .map((index) => ({ index, reason: scores[index]! >= threshold ? "threshold" : "best" })),
  };
}
