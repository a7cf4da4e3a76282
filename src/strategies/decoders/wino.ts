import type { Draft } from "../../core/types.ts";
import { defineMemory } from "../memory.ts";
import { rank } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import { filledInBlock } from "../rows.ts";
import type { Reviser, Selector } from "../strategy.ts";

export interface WinoOptions {
  /** Confidence of a draft token, strict. */
  readonly threshold: number;
  /** A token is taken back when its leave-one-out probability is below this. */
  readonly back: number;
}

/** How many tokens the last step of the block committed; the reference starts with 30. */
const memory = defineMemory<{ block: number; lastAccepted: number }>("wino", () => ({
  block: -1,
  lastAccepted: 30,
}));

/**
 * WINO (arXiv 2507.18578): drafts widely and verifies narrowly. Every token committed earlier in the block is judged by
 * the probability it has when its own cell is masked, and the worst are taken back; fewer than the last step committed,
 * so the masks go down over any two steps. The reference gets these probabilities from shadow rows in the same
 * forward; here each one is a draft canvas.
 */
export function wino({ threshold, back }: WinoOptions): { selector: Selector; reviser: Reviser } {
  const selector: Selector = {
    scope: "open",
    select: (_step, scores) => {
      const order = rank(scores);
      const most = Math.min(Math.max(Math.floor(order.length * 0.7), 5), 20);
      const sure = order.filter((index) => scores[index]! > threshold);
      return sure.length > 0
        ? sure.slice(0, most).map((index) => ({ index, reason: "threshold" }))
        : order.slice(0, 1).map((index) => ({ index, reason: "best" }));
    },
  };
  const reviser: Reviser = {
    drafts: (state, maskId) =>
      filledInBlock(state).map((row): Draft => {
        const canvas = state.canvas.ids.slice();
        canvas[row] = maskId;
        return { canvas, rows: Int32Array.of(row), gather: Int32Array.of(state.canvas.ids[row]!) };
      }),
    revise: ({ state, stats }, commits) => {
      const kept = memory.of(state);
      const lastAccepted = kept.block === state.block.start ? kept.lastAccepted : 30;
      memory.set(state, { block: state.block.start, lastAccepted: commits.length });
      if (commits.length <= 1) return { remasks: [], overwrites: [] };
      const doubtful = (stats.drafts ?? [])
        .map((draft) => ({ row: draft.rows[0]!, p: Math.exp(draft.gatherLogits![0]! - draft.lse[0]!) }))
        .filter(({ p }) => p < back)
        .sort((a, b) => a.p - b.p || a.row - b.row);
      const most = doubtful.length >= lastAccepted ? lastAccepted - 1 : doubtful.length;
      return { remasks: doubtful.slice(0, most).map(({ row }) => row), overwrites: [] };
    },
  };
  return { selector, reviser };
}

/** The paper's thresholds and block. */
export const winoPreset: Preset = {
  title: "WINO: drafts widely, takes back what does not hold",
  keys: ["threshold"],
  revises: true,
  defaults: { threshold: 0.6, block: 128 },
  pieces: ({ threshold }) => ({ ...wino({ threshold, back: 0.9 }), demands: { drafts: true } }),
};
