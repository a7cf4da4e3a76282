import { uniform } from "../../core/random.ts";
import { RANDOM_STREAMS } from "../../core/random-streams.ts";
import { temperedSampler } from "../pieces/sampler.ts";
import { randomScorer } from "../pieces/scorer.ts";
import { plannedQuota, rank, stepsLeft, stepsTaken } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import type { Selector } from "../strategy.ts";

/**
 * The reverse process of absorbing diffusion (MDLM; Dream `origin`, arXiv 2508.15487): from time t to s each mask is
 * revealed with probability `1 - s/t` on a grid from 1 to `eps`, the last step takes all. Which masks these are does
 * not depend on the model, so the sizes of the groups are drawn when the block is planned, steps that reveal nothing cost no
 * forward, and a random order picks the members: the same distribution as one coin a mask.
 */
export function ancestralSelector(allSteps: number, eps = 1e-3): Selector {
  return {
    plan: (state, masks, rng) => {
      const steps = stepsLeft(state, allSteps);
      const taken = stepsTaken(state);
      const counts: number[] = [];
      let left = masks;
      for (let step = 0; step < steps && left > 0; step++) {
        const [t, s] = [1 - (step / steps) * (1 - eps), 1 - ((step + 1) / steps) * (1 - eps)];
        let count = 0;
        for (let i = 0; i < left; i++) {
          if (uniform(rng.seed, taken + step, i, RANDOM_STREAMS.reveal) < 1 - s / t) count++;
        }
        if (step === steps - 1) count = left;
        left -= count;
        if (count > 0) counts.push(count);
      }
      return counts;
    },
    select: ({ state }, scores) =>
      rank(scores)
        .slice(0, plannedQuota(state))
        .map((index) => ({ index, reason: "sampled" })),
  };
}

export const ancestralPreset: Preset = {
  title: "Ancestral sampling: random tokens at the times of the diffusion process",
  keys: ["steps", "eps"],
  defaults: { block: Number.MAX_SAFE_INTEGER, temperature: 0.6 },
  pieces: (settings) => ({
    selector: ancestralSelector(settings.steps, settings.eps),
    scorer: randomScorer,
    sampler: temperedSampler(settings),
  }),
};
