import { thresholdSelector } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import { positionOf, sampledProbability } from "../rows.ts";
import type { BlockSchedule } from "../strategy.ts";

export interface AdablockOptions {
  /** Block length where no delimiter is in sight. */
  readonly size: number;
  /** Ids that end a passage, such as a line break. */
  readonly delimiters: readonly number[];
  /** Probability of a delimiter that counts. */
  readonly threshold: number;
}

/** How far ahead a delimiter is looked for, as a share of the cells to fill. */
const WINDOW = 0.25;

/**
 * AdaBlock (arXiv 2509.26432): a block ends at the most confident delimiter that the first forward of the block
 * predicts within a quarter of the canvas; without one it has the default length.
 */
export function adaptiveBlocks({ size, delimiters, threshold }: AdablockOptions): BlockSchedule {
  const ahead = (from: number, total: number): number => Math.min(Math.floor(WINDOW * total), total - from);
  return {
    watch: ({ targets, block, stepInBlock }) =>
      stepInBlock > 0 ? [] : targets.subarray(block.start, block.start + ahead(block.start, targets.length)),
    next: ({ block, targets }) =>
      block.end >= targets.length
        ? null
        : { start: block.end, end: Math.min(block.end + size, targets.length) },
    refine: ({ state: { targets, block }, stats }) => {
      let best = { length: 0, p: threshold };
      for (let offset = 0; offset < ahead(block.start, targets.length); offset++) {
        const r = positionOf(stats.rows, targets[block.start + offset]!);
        const p = sampledProbability(stats, r);
        const isBetter = best.length === 0 ? p >= best.p : p > best.p;
        if (isBetter && delimiters.includes(stats.sampledIds[r]!)) best = { length: offset + 1, p };
      }
      return best.length === 0 ? block : { start: block.start, end: block.start + best.length };
    },
  };
}

/** The paper's settings; its delimiters are line breaks. */
export const adablockPreset: Preset = {
  title: "AdaBlock: blocks that end where a passage ends",
  keys: ["threshold"],
  pieces: ({ threshold, block }, { delimiters }) => ({
    selector: thresholdSelector(threshold),
    blocks: adaptiveBlocks({ size: block, delimiters, threshold: 0.3 }),
  }),
};
