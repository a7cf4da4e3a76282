import { defineMemory } from "../memory.ts";
import { thresholdSelector } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import { filledInBlock, positionOf, sampledProbability } from "../rows.ts";
import type { Reviser } from "../strategy.ts";

export interface OverwriteOptions {
  /** Steps of a block, and the share of them at whose end tokens may be replaced: 1 is always, 0 never. */
  readonly steps: number;
  readonly share: number;
  /** Only this share of the tokens, the most confident ones; multiplied in float32, as the reference does. */
  readonly top: number;
  /** Probability that the new token needs, strict; 0 takes any. */
  readonly confidence: number;
  /** Changes of one cell. */
  readonly most: number;
  /** What ranks the tokens for `top` in place of their probability. */
  readonly order?: (row: number) => number;
  /** The reference masks a cell again where the mask is drawn for it; golden replays keep that. */
  readonly remasks?: boolean;
}

/** Changes so far, by slot. */
const memory = defineMemory<Map<number, number>>("overwrite", () => new Map());

/**
 * ReDiff's refinement (arXiv 2510.19871): tokens of the block that were there before this step are replaced by what is
 * drawn for them now. Needs a model that was trained to correct tokens; others copy what stands in the cell.
 */
export function overwriteReviser(options: OverwriteOptions): Reviser {
  const { steps, share, top, confidence, most, order, remasks = false } = options;
  return {
    watch: filledInBlock,
    revise: ({ state, stats, traits }) => {
      if (state.stepInBlock < steps - Math.ceil(steps * share)) return { remasks: [], overwrites: [] };
      const changes = memory.of(state);
      const best = filledInBlock(state).map((row) => {
        const r = positionOf(stats.rows, row);
        const p = sampledProbability(stats, r);
        return { row, id: stats.sampledIds[r]!, p, place: order?.(row) ?? p };
      });
      const considered = best
        .toSorted((a, b) => b.place - a.place || a.row - b.row)
        .slice(0, Math.floor(Math.fround(Math.fround(top) * best.length)));
      const overwrites = considered
        .filter(({ row, id, p }) => id !== state.canvas.ids[row] && id !== traits.maskId && p > confidence)
        .filter(({ row }) => (changes.get(state.canvas.slots[row]!) ?? 0) < most)
        .sort((a, b) => a.row - b.row)
        .map(({ row, id }) => ({ row, id }));
      for (const { row } of overwrites) {
        const slot = state.canvas.slots[row]!;
        changes.set(slot, (changes.get(slot) ?? 0) + 1);
      }
      const masked = remasks ? considered.filter(({ id }) => id === traits.maskId) : [];
      return { remasks: masked.map(({ row }) => row), overwrites };
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
    reviser: overwriteReviser({ steps: length, share: 1, top: 1, confidence: 0.9, most: 3 }),
  }),
};
