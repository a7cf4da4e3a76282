import { FILLED } from "../canvas.ts";
import { defineMemory } from "../memory.ts";
import type { Preset } from "../preset.ts";
import { positionOf } from "../rows.ts";
import { thresholdSelector } from "../selector.ts";
import type { DecodeState, Reviser } from "../strategy.ts";

/** Whether the draft has been looked at. */
const memory = defineMemory<{ checked: boolean }>("warm-start", () => ({ checked: false }));

/**
 * Starts from a draft (context-aware initialisation, arXiv 2512.19004): its tokens stand in the canvas as if they had been
 * committed; the first forward takes back those that the model gives less than `keep`, the rest stay. A random draft costs
 * one forward, a perfect one is confirmed by it.
 *
 * @param keep probability of the token that stands in the cell; 0 trusts the draft
 */
export function scepticalReviser(keep: number): Reviser {
  return {
    needs: { current: true },
    watch: (state) => (memory.of(state).checked ? [] : draftRows(state)),
    isPending: (state) => state.block.end > 0 && !memory.of(state).checked,
    revise: ({ state, stats }) => {
      const known = memory.of(state);
      if (known.checked) return { remasks: [], overwrites: [] };
      known.checked = true;
      const remasks = draftRows(state).filter((row) => {
        const r = positionOf(stats.rows, row);
        return Math.exp(stats.currentLogits![r]! - stats.lse[r]!) < keep;
      });
      return { remasks, overwrites: [] };
    },
  };
}

function draftRows({ canvas, targets }: DecodeState): number[] {
  return Array.from(targets).filter((row) => canvas.kinds[row] === FILLED);
}

/** Needs the recipe's `init`, which brings the reviser. */
export const warmStartPreset: Preset = {
  title: "Warm start: begins with a draft and rewrites what the model doubts",
  keys: ["threshold"],
  revises: true,
  overrules: true,
  pieces: ({ threshold }) => ({ selector: thresholdSelector(threshold) }),
};
