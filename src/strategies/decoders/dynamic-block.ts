import type { Commit } from "../../core/events.ts";
import { MASKED } from "../canvas.ts";
import { temperedSampler } from "../pieces/sampler.ts";
import { rank } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import type { DecodeState, Selector, StopRule } from "../strategy.ts";

export interface DynamicBlockOptions {
  /** Commit above this probability, strict. */
  readonly threshold: number;
  /** Tokens that a step commits at least. */
  quota(state: DecodeState): number;
}

/**
 * The block decoder of SDAR (arXiv 2510.06303) and LLaDA2 (arXiv 2512.15745): every token above the threshold when
 * there are enough of them, otherwise the best `quota`.
 */
export function dynamicBlockSelector({ threshold, quota }: DynamicBlockOptions): Selector {
  return {
    scope: "open",
    visible: ({ canvas, targets, block }) =>
      block.end === 0 ? canvas.ids.length : targets[block.end - 1]! + 1,
    select: ({ state }, scores) => {
      const order = rank(scores);
      const sure = order.filter((index) => scores[index]! > threshold);
      const wanted = quota(state);
      return sure.length >= wanted
        ? sure.map((index) => ({ index, reason: "threshold" }))
        : order.slice(0, wanted).map((index) => ({ index, reason: "quota" }));
    },
  };
}

/** Steps of a block share its cells evenly, the remainder goes to the earliest. */
export function evenQuota(size: number, steps: number): (state: DecodeState) => number {
  return ({ stepInBlock }) => Math.floor(size / steps) + (stepInBlock < size % steps ? 1 : 0);
}

/**
 * Ends a run after the first full block that holds an end of text.
 *
 * @param padId what the cells behind that block become; undefined leaves them masked, which only replays want
 */
export function blockEosStop(eosIds: readonly number[], padId?: number): StopRule {
  return {
    stop: ({ state: { canvas, targets, block } }) => {
      const rows = targets.subarray(0, block.end);
      if (rows.some((row) => canvas.kinds[row] === MASKED)) return null;
      if (!rows.some((row) => eosIds.includes(canvas.ids[row]!))) return null;
      if (padId === undefined) return { commits: [], overwrites: [], reason: "eos" };
      const commits = Array.from(
        targets.subarray(block.end),
        (row): Commit => ({ row, id: padId, conf: null, reason: "fill" }),
      );
      return { commits, overwrites: [], reason: "eos" };
    },
  };
}

/** SDAR's and LLaDA2's rule for any model; only a block-causal one was trained not to see what comes after the block. */
export const blockDynamicPreset: Preset = {
  title: "SDAR, LLaDA2: one block at a time, what comes after it is not shown",
  keys: ["threshold"],
  defaults: { threshold: 0.85 },
  blockwise: true,
  pieces: (settings, { eos, pad }) => ({
    selector: dynamicBlockSelector({ threshold: settings.threshold, quota: () => 1 }),
    sampler: temperedSampler(settings),
    ...(eos.length === 0 ? {} : { stop: blockEosStop(eos, pad) }),
  }),
};
