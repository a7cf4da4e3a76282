import { dualCache, prefixCache } from "../../cache/frozen.ts";
import type { CachePolicy } from "../../cache/policy.ts";
import { thresholdSelector } from "../selector.ts";
import type { DecodeState } from "../strategy.ts";
import { compose, drawnFromBlock, type GoldenPlan, type GoldenPlanner, quotas } from "./plan.ts";
import { ANCESTRAL_PLANS } from "./plans-ancestral.ts";
import { BLOCK_PLANS } from "./plans-blocks.ts";
import { DLLM_PLANS } from "./plans-dllm.ts";
import { DRAFT_PLANS } from "./plans-drafts.ts";
import { PARALLEL_PLANS } from "./plans-parallel.ts";
import { REVISING_PLANS } from "./plans-revising.ts";
import { type GoldenCase, hyperNumber } from "./schema.ts";

/** How each reference decoder is replayed. Keys are decoders of golden files. */
export const GOLDEN_PLANS: Readonly<Record<string, GoldenPlanner>> = {
  llada: (golden) => compose(golden, quotas(golden)),
  "fastdllm-nocache": (golden) => {
    const threshold = hyperNumber(golden, "threshold");
    return compose(golden, threshold === null ? quotas(golden, false) : thresholdSelector(threshold));
  },
  "fastdllm-prefix": (golden, random) =>
    drawnFromBlock(twiceABlock(golden, prefixCache(0)), random, "wasted"),
  "fastdllm-dual": (golden, random) => drawnFromBlock(twiceABlock(golden, dualCache(0)), random),
  ...ANCESTRAL_PLANS,
  ...BLOCK_PLANS,
  ...DLLM_PLANS,
  ...DRAFT_PLANS,
  ...PARALLEL_PLANS,
  ...REVISING_PLANS,
};

/** At least two forwards a block, the second even if the first left nothing to do. */
function twiceABlock(golden: GoldenCase, cache: CachePolicy): GoldenPlan {
  const threshold = hyperNumber(golden, "threshold");
  const selector = threshold === null ? quotas(golden, false) : thresholdSelector(threshold);
  const isPending = (state: DecodeState): boolean => state.block.end > 0 && state.stepInBlock < 2;
  return compose(golden, { ...selector, isPending }, { cache });
}
