import { type BlockCausal, blockAround } from "../cache/block-grid.ts";
import type { BlockSchedule } from "./strategy.ts";

/** Blocks of `size` cells from left to right; the last one may be shorter. */
export function fixedBlocks(size: number): BlockSchedule {
  return {
    next: ({ block, targets }) =>
      block.end >= targets.length
        ? null
        : { start: block.end, end: Math.min(block.end + size, targets.length) },
  };
}

/** Blocks of at most `size` cells that end where a block of the model ends: what follows cannot be seen from there. */
export function gridBlocks(size: number, grid: BlockCausal): BlockSchedule {
  return {
    next: ({ block: { end: start }, targets, canvas }) => {
      const first = targets[start];
      if (first === undefined) return null;
      const border = blockAround(first, grid, canvas.promptLen).end;
      let end = start + 1;
      while (end < targets.length && end < start + size && targets[end]! < border) end++;
      return { start, end };
    },
  };
}
