import type { BlockSchedule } from "./strategy.ts";

/** Blocks of `size` cells from left to right; the last one may be shorter. */
export function fixedBlocks(size: number): BlockSchedule {
  return ({ block, targets }) =>
    block.end >= targets.length
      ? null
      : { start: block.end, end: Math.min(block.end + size, targets.length) };
}
