import { thresholdSelector } from "../selector.ts";
import { compose, type GoldenPlanner, quotas } from "./plan.ts";
import { ANCESTRAL_PLANS } from "./plans-ancestral.ts";
import { BLOCK_PLANS } from "./plans-blocks.ts";
import { DLLM_PLANS } from "./plans-dllm.ts";
import { PARALLEL_PLANS } from "./plans-parallel.ts";
import { REVISING_PLANS } from "./plans-revising.ts";
import { hyperNumber } from "./schema.ts";

/** How each reference decoder is replayed. Keys are decoders of golden files. */
export const GOLDEN_PLANS: Readonly<Record<string, GoldenPlanner>> = {
  llada: (golden) => compose(golden, quotas(golden)),
  "fastdllm-nocache": (golden) => {
    const threshold = hyperNumber(golden, "threshold");
    return compose(golden, threshold === null ? quotas(golden, false) : thresholdSelector(threshold));
  },
  ...ANCESTRAL_PLANS,
  ...BLOCK_PLANS,
  ...DLLM_PLANS,
  ...PARALLEL_PLANS,
  ...REVISING_PLANS,
};
