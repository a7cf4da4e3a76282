import { dualCache, prefixCache } from "../../cache/frozen.ts";
import type { CachePolicy } from "../../cache/policy.ts";
import { fixedBlocks } from "../blocks.ts";
import { cfgGuidance } from "../guidance.ts";
import { gumbelSampler } from "../sampler.ts";
import { probabilityScorer, randomScorer } from "../scorer.ts";
import { quotaSelector, thresholdSelector } from "../selector.ts";
import type { Selector, Strategy } from "../strategy.ts";
import { type GoldenCase, hyperCount, hyperNumber } from "./schema.ts";

/** Our pieces put together as each reference function behaves, quirks included. Keys are decoders of golden files. */
export const GOLDEN_STRATEGIES: Readonly<Record<string, (golden: GoldenCase) => Strategy>> = {
  llada: (golden) => compose(golden, quotaSelector({ steps: stepsOf(golden), keepZeroSteps: true })),
  "fastdllm-nocache": (golden) => {
    const threshold = hyperNumber(golden, "threshold");
    return compose(
      golden,
      threshold === null
        ? quotaSelector({ steps: stepsOf(golden), keepZeroSteps: false })
        : thresholdSelector(threshold),
    );
  },
  "fastdllm-prefix": (golden) => cached(golden, prefixCache(0)),
  "fastdllm-dual": (golden) => cached(golden, dualCache(0)),
};

/** At least two forwards a block, the second even if the first left nothing to do. */
function cached(golden: GoldenCase, cache: CachePolicy): Strategy {
  const threshold = hyperNumber(golden, "threshold");
  const selector =
    threshold === null
      ? quotaSelector({ steps: stepsOf(golden), keepZeroSteps: false })
      : { ...thresholdSelector(threshold), plan: () => [0, 0] };
  return { ...compose(golden, selector), cache };
}

function compose(golden: GoldenCase, selector: Selector): Strategy {
  return {
    blocks: fixedBlocks(hyperCount(golden, "block_length") ?? golden.genLen),
    sampler: gumbelSampler({ temperature: hyperNumber(golden, "temperature") ?? 0, topK: 0, topP: 1 }),
    scorer: golden.hyper["remasking"] === "random" ? randomScorer : probabilityScorer,
    selector,
    guidance: cfgGuidance(hyperNumber(golden, "cfg_scale") ?? 0),
  };
}

function stepsOf(golden: GoldenCase): number {
  return hyperCount(golden, "steps") ?? golden.genLen;
}
