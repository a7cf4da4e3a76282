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

/**
 * Blocks at multiples of `size` from the start of the canvas: what a block-causal model was trained with. The first one
 * also holds the end of the prompt.
 */
export function alignedBlocks(size: number): BlockSchedule {
  return {
    next: ({ block, targets }) => {
      const first = targets[block.end];
      if (first === undefined) return null;
      const limit = (Math.floor(first / size) + 1) * size;
      let end = block.end;
      while (end < targets.length && targets[end]! < limit) end++;
      return { start: block.end, end };
    },
  };
}
