import type { Preset } from "../preset.ts";
import { dreamQuota } from "../quota.ts";
import { temperedSampler } from "../sampler.ts";
import { blockSteps, rank } from "../selector.ts";
import type { Scorer } from "../strategy.ts";

/** Confidence of Dream's samplers, on the distribution that is drawn from. */
export type DreamConfidence = "probability" | "margin" | "entropy";

/**
 * Dream (arXiv 2508.15487): ranks by the probability of the token (`maskgit_plus`), the gap between the two best
 * (`topk_margin`) or the negative entropy (`entropy`), all after temperature, top-k and top-p.
 */
export function dreamScorer(kind: DreamConfidence, temperature: number): Scorer {
  const t = temperature === 0 ? 1 : temperature;
  return {
    needs: kind === "margin" ? { topK: 2, tempered: true } : { tempered: true },
    score: ({ stats, candidates: { at, probabilities } }) => {
      if (kind === "probability") return probabilities.slice();
      if (kind === "entropy") return Float64Array.from(at, (r) => -stats.temperedEntropy![r]!);
      const p = (r: number, place: number): number =>
        Math.exp(stats.topLogits[r * stats.k + place]! / t - stats.temperedLse![r]!);
      // Where top-k or top-p leave one token, the second-best has no probability: they sum to 1 at most.
      return Float64Array.from(at, (r) => Math.max(p(r, 0) - p(r, 1), 2 * p(r, 0) - 1));
    },
    confidence: "probability",
  };
}

/** Dream's samplers over the whole canvas, by its own table of quotas; steps without a token are left out. */
export function dreamPreset(kind: DreamConfidence, title: string): Preset {
  return {
    title,
    keys: ["steps"],
    defaults: { block: Number.MAX_SAFE_INTEGER },
    pieces: (settings) => ({
      selector: {
        plan: (state, masks) =>
          dreamQuota(masks, blockSteps(state.block, state.targets.length, settings.steps)).filter(
            (n) => n > 0,
          ),
        select: ({ state }, scores) =>
          rank(scores)
            .slice(0, state.quotas[state.stepInBlock] ?? scores.length)
            .map((index) => ({ index, reason: "quota" })),
      },
      sampler: temperedSampler(settings),
      scorer: dreamScorer(kind, settings.temperature),
    }),
  };
}
