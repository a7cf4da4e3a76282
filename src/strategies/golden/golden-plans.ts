import { dualCache, prefixCache } from "../../cache/frozen.ts";
import type { CachePolicy } from "../../cache/policy.ts";
import type { GoldenRandom } from "../oracle/golden-random.ts";
import { thresholdSelector } from "../pieces/selector.ts";
import type { DecodeState } from "../strategy.ts";
import {
  compose,
  drawnFromBlock,
  eosOf,
  type GoldenPlan,
  type GoldenPlanner,
  isRandomOrder,
  quotas,
  recordedOrder,
} from "./plan.ts";
import { ANCESTRAL_PLANS } from "./plans-ancestral.ts";
import { BLOCK_PLANS } from "./plans-blocks.ts";
import { committedLast, DLLM_PLANS } from "./plans-dllm.ts";
import { DRAFT_PLANS } from "./plans-drafts.ts";
import { PARALLEL_PLANS } from "./plans-parallel.ts";
import { REVISING_PLANS } from "./plans-revising.ts";
import { type GoldenCase, hyperNumber } from "./schema.ts";

/** How each reference decoder is replayed. Keys are decoders of golden files. */
export const GOLDEN_PLANS: Readonly<Record<string, GoldenPlanner>> = {
  llada: lladaPlan,
  "fastdllm-nocache": (golden) => {
    const threshold = hyperNumber(golden, "threshold");
    return compose(golden, threshold === null ? quotas(golden, false) : thresholdSelector(threshold));
  },
  "fastdllm-prefix": (golden, random) =>
    drawnFromBlock(twiceABlock(golden, random, prefixCache(0)), random, "wasted"),
  "fastdllm-dual": (golden, random) => drawnFromBlock(twiceABlock(golden, random, dualCache(0)), random),
  ...ANCESTRAL_PLANS,
  ...BLOCK_PLANS,
  ...DLLM_PLANS,
  ...DRAFT_PLANS,
  ...PARALLEL_PLANS,
  ...REVISING_PLANS,
};

/** With ends of text that are never chosen (`logits_eos_inf`), or last (`confidence_eos_eot_inf`). */
function lladaPlan(golden: GoldenCase): GoldenPlan {
  const { hyper, file } = golden;
  const [eos, turn] = [eosOf(golden), typeof file["eotId"] === "number" ? file["eotId"] : 61];
  // With a temperature the reference takes them out of two tensors, and only one of them is asked again.
  const late = (hyperNumber(golden, "temperature") ?? 0) > 0 ? [turn] : [eos, turn];
  const isLate = hyper["confidence_eos_eot_inf"] === true && !isRandomOrder(golden);
  return {
    ...compose(golden, quotas(golden), isLate ? { scorer: committedLast(late) } : {}),
    ...(hyper["logits_eos_inf"] === true ? { suppress: [eos] } : {}),
  };
}

/** At least two forwards a block, the second even if the first left nothing to do. */
function twiceABlock(golden: GoldenCase, random: GoldenRandom, cache: CachePolicy): GoldenPlan {
  const threshold = hyperNumber(golden, "threshold");
  const selector = threshold === null ? quotas(golden, false) : thresholdSelector(threshold);
  const isPending = (state: DecodeState): boolean => state.block.end > 0 && state.stepInBlock < 2;
  return compose(
    golden,
    { ...selector, isPending },
    { cache, ...(isRandomOrder(golden) ? { scorer: recordedOrder(random, random.float32, true) } : {}) },
  );
}
