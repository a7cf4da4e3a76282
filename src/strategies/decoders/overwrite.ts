import { defineMemory } from "../memory.ts";
import type { Preset } from "../preset.ts";
import { filledInBlock, positionOf } from "../rows.ts";
import { thresholdSelector } from "../selector.ts";
import type { Reviser } from "../strategy.ts";

export interface OverwriteOptions {
  /** Steps of the run, and the share of them at whose end tokens may be replaced: 1 is always, 0 never. */
  readonly steps: number;
  readonly share: number;
  /** Only this share of the tokens, the most confident ones. */
  readonly top: number;
  /** Probability that the new token needs, strict; 0 takes any. */
  readonly confidence: number;
  /** Changes of one cell. */
  readonly most: number;
  /** Ids that are never written. */
  readonly suppress: readonly number[];
}

/** Changes so far, by slot. */
const memory = defineMemory<Map<number, number>>("overwrite", () => new Map());

/**
 * ReDiff's refinement (arXiv 2510.19871): tokens of the block that were there before this step are replaced by what the
 * model now thinks best. Needs a model that was trained to correct tokens; others copy what stands in the cell.
 */
export function overwriteReviser(options: OverwriteOptions): Reviser {
  const { steps, share, top, confidence, most, suppress } = options;
  return {
    needs: { topK: 1 + suppress.length },
    watch: filledInBlock,
    revise: ({ state, stats, traits }) => {
      if (state.step < steps * (1 - share)) return { remasks: [], overwrites: [] };
      const changes = memory.of(state);
      const never = [...suppress, traits.maskId];
      const best = filledInBlock(state).map((row) => {
        const r = positionOf(stats.rows, row);
        const places = Array.from({ length: stats.k }, (_, place) => r * stats.k + place);
        const place = places.find((at) => !never.includes(stats.topIds[at]!)) ?? r * stats.k;
        return { row, id: stats.topIds[place]!, p: Math.exp(stats.topLogits[place]! - stats.lse[r]!) };
      });
      const considered = best
        .toSorted((a, b) => b.p - a.p || a.row - b.row)
        .slice(0, Math.floor(top * best.length));
      const overwrites = considered
        .filter(({ row, id, p }) => id !== state.canvas.ids[row] && p > confidence)
        .filter(({ row }) => (changes.get(state.canvas.slots[row]!) ?? 0) < most)
        .sort((a, b) => a.row - b.row)
        .map(({ row, id }) => ({ row, id }));
      for (const { row } of overwrites) {
        const slot = state.canvas.slots[row]!;
        changes.set(slot, (changes.get(slot) ?? 0) + 1);
      }
      return { remasks: [], overwrites };
    },
  };
}

/** The guards against endless changes are ours. */
export const rediffPreset: Preset = {
  title: "ReDiff: rewrites tokens of the block when it is sure of better ones",
  overrules: true,
  keys: ["threshold"],
  revises: true,
  pieces: ({ threshold, length }) => ({
    selector: thresholdSelector(threshold),
    reviser: overwriteReviser({ steps: length, share: 1, top: 1, confidence: 0.9, most: 3, suppress: [] }),
  }),
};
