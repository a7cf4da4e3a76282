import type { CommitReason } from "../../core/events.ts";
import { rank } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import type { Selector } from "../strategy.ts";

export interface HierarchyOptions {
  /** Every row above this. */
  readonly threshold: number;
  /** The best row of each run of masks, when above this. */
  readonly low: number;
}

/**
 * dInfer's hierarchical decoder (arXiv 2510.08666): one token in the middle of each run of masks splits it, so that
 * rows committed together are seldom neighbours. Both comparisons are strict; the best row always.
 */
export function hierarchySelector({ threshold, low }: HierarchyOptions): Selector {
  return {
    select: ({ candidates: { rows } }, scores) => {
      const reasons = new Map<number, CommitReason>();
      const order = rank(scores);
      let start = 0;
      for (let index = 1; index <= rows.length; index++) {
        if (index < rows.length && rows[index] === rows[index - 1]! + 1) continue;
        const best = order.find((i) => i >= start && i < index);
        if (best !== undefined && scores[best]! > low) reasons.set(best, "segment");
        start = index;
      }
      for (const index of order) if (scores[index]! > threshold) reasons.set(index, "threshold");
      const first = order[0];
      if (first !== undefined && !reasons.has(first)) reasons.set(first, "best");
      return Array.from(reasons, ([index, reason]) => ({ index, reason }));
    },
  };
}

/** dInfer's recipe. */
export const hierarchyPreset: Preset = {
  title: "dInfer: one token in each run of masks, and every confident one",
  keys: ["threshold"],
  defaults: { threshold: 0.92 },
  pieces: ({ threshold }) => ({ selector: hierarchySelector({ threshold, low: Math.min(threshold, 0.62) }) }),
};
