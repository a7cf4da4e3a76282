import { MASKED } from "../canvas.ts";
import { freeDave } from "../decoders/freedave.ts";
import type { BlockSchedule } from "../strategy.ts";
import { compose, type GoldenPlanner, genLength } from "./plan.ts";
import { hyperCount, hyperNumber } from "./schema.ts";

/** Decoders that evaluate several canvases at once. */
export const DRAFT_PLANS: Readonly<Record<string, GoldenPlanner>> = {
  freedave: (golden) => {
    const drafts = hyperCount(golden, "draft_steps") ?? 1;
    const size = hyperCount(golden, "block_length") ?? genLength(golden);
    const isEager = golden.hyper["eager_acceptance_mode"] === true;
    const { sampler, selector } = freeDave({
      drafts,
      threshold: hyperNumber(golden, "confidence_threshold") ?? Number.POSITIVE_INFINITY,
      order: hyperNumber(golden, "alg_temp") === -1 ? "left" : "confidence",
      reference: { eagerBlock: isEager ? size : null },
    });
    const blocks = isEager ? { blocks: reachingBlocks(size, Math.ceil(drafts / size)) } : {};
    return { ...compose(golden, selector, { sampler, ...blocks }), listsCommits: false };
  },
};

/** Blocks with the `more` next ones that drafts reach into. Those that were written with an earlier one are opened all the same. */
function reachingBlocks(size: number, more: number): BlockSchedule {
  return {
    next: ({ block, targets, canvas }) => {
      const start = block.end === 0 ? 0 : block.start + size;
      if (start >= targets.length) return null;
      const isOpen = targets.subarray(start, start + size).some((row) => canvas.kinds[row] === MASKED);
      return { start, end: Math.min(targets.length, start + size * (isOpen ? 1 + more : 1)) };
    },
  };
}
