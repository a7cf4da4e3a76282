import { freeDave } from "../decoders/freedave.ts";
import { compose, type GoldenPlanner } from "./plan.ts";
import { hyperCount, hyperNumber } from "./schema.ts";

/** Decoders that evaluate several canvases at once. */
export const DRAFT_PLANS: Readonly<Record<string, GoldenPlanner>> = {
  freedave: (golden) => {
    const { sampler, selector } = freeDave({
      drafts: hyperCount(golden, "draft_steps") ?? 1,
      threshold: hyperNumber(golden, "confidence_threshold") ?? Number.POSITIVE_INFINITY,
      order: hyperNumber(golden, "alg_temp") === -1 ? "left" : "confidence",
      evaluatesFull: true,
    });
    return { ...compose(golden, selector, { sampler }), listsCommits: false };
  },
};
