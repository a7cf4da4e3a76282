import { dreamQuota } from "../pieces/quota.ts";
import { temperedSampler } from "../pieces/sampler.ts";
import { plannedQuota, rank, stepsLeft } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import type { Scorer, Step } from "../strategy.ts";

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

/**
 * Scores whose order is drawn: rows without replacement from the softmax of `scores / temperature` (`alg_temp`), which is
 * to rank them by `score / temperature` plus Gumbel noise.
 */
function drawnOrder(
  { state, candidates, rng }: Step,
  scores: Float64Array,
  temperature: number,
): Float64Array {
  if (temperature === 0) return scores;
  const u = rng.uniforms(state.step, candidates.rows);
  return scores.map((score, i) => score / temperature - Math.log(-Math.log(u[i]!)));
}

/** Dream's samplers over the whole canvas, by its own table of quotas; steps without a token are left out. */
export function dreamPreset(kind: DreamConfidence, title: string): Preset {
  return {
    title,
    keys: ["steps", "algTemp", "eps"],
    defaults: { block: Number.MAX_SAFE_INTEGER },
    pieces: (settings) => ({
      selector: {
        plan: (state, masks) =>
          dreamQuota(masks, stepsLeft(state, settings.steps), settings.eps).filter((n) => n > 0),
        select: (step, scores) =>
          rank(drawnOrder(step, scores, settings.algTemp ?? 0))
            .slice(0, plannedQuota(step.state))
            .map((index) => ({ index, reason: "quota" })),
      },
      sampler: temperedSampler(settings),
      scorer: dreamScorer(kind, settings.temperature),
    }),
  };
}
