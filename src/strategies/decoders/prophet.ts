import type { Commit } from "../../core/events.ts";
import { MASKED } from "../canvas.ts";
import type { Preset } from "../preset.ts";
import { positionOf, sampledProbability } from "../rows.ts";
import { quotaSelector } from "../selector.ts";
import type { DecodeState, StopRule } from "../strategy.ts";

export interface ProphetOptions {
  /** Steps of the whole run: progress is the share of them that is done. */
  readonly steps: number;
  /** Mean gap of logits at which everything is committed, before a third, before two thirds, and after. */
  readonly gaps: readonly [early: number, middle: number, late: number];
  /** Rows whose gaps are averaged; the masks that are left when undefined. */
  answer?(state: DecodeState): readonly number[];
}

/**
 * Prophet (arXiv 2508.19982): once the mean gap between the best and the second-best logit of the answer is large
 * enough, every mask takes the token that was drawn for it and the run ends. The gaps are of logits, so guidance scales them.
 */
export function prophetStop({ steps, gaps, answer }: ProphetOptions): StopRule {
  const rowsOf = ({ canvas, targets }: DecodeState): readonly number[] =>
    Array.from(targets).filter((row) => canvas.kinds[row] === MASKED);
  return {
    needs: { topK: 2 },
    watch: (state) => [...(answer?.(state) ?? []), ...rowsOf(state)],
    stop: ({ state, stats, traits }) => {
      const rows = answer?.(state) ?? rowsOf(state);
      const progress = (state.step + 1) / steps;
      const bar = progress < 0.33 ? gaps[0] : progress < 0.67 ? gaps[1] : gaps[2];
      let total = 0;
      for (const row of rows) {
        const r = positionOf(stats.rows, row) * stats.k;
        total += stats.topLogits[r]! - stats.topLogits[r + 1]!;
      }
      if (rows.length === 0 || !(total / rows.length >= bar)) return null;
      const commits = rowsOf(state).map((row): Commit => {
        const r = positionOf(stats.rows, row);
        const conf = sampledProbability(stats, r);
        return { row, id: stats.sampledIds[r]!, conf, reason: "fill" };
      });
      return commits.some(({ id }) => id === traits.maskId)
        ? null
        : { commits, overwrites: [], reason: "complete" };
    },
  };
}

/** The paper's gaps; the answer region is everything that is still masked. */
export const prophetPreset: Preset = {
  title: "Prophet: one token a step until everything left is clear",
  overrules: true,
  keys: ["steps"],
  pieces: ({ steps }) => ({
    selector: quotaSelector({ steps, keepZeroSteps: false }),
    stop: prophetStop({ steps, gaps: [7.5, 5, 2.5] }),
    demands: { looksAhead: true },
  }),
};
