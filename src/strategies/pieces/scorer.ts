import type { Scorer } from "../strategy.ts";

/** Most probable first. */
export const probabilityScorer: Scorer = {
  score: ({ candidates }) => candidates.probabilities.slice(),
  confidence: "probability",
};

/** In random order. */
export const randomScorer: Scorer = {
  score: ({ state, candidates, rng }) => rng.uniforms(state.step, candidates.rows),
  confidence: "none",
};

/** From left to right. */
export const firstScorer: Scorer = {
  score: ({ candidates }) => Float64Array.from(candidates.rows, (row) => -row),
  confidence: "none",
};

/** Least entropy first (Dream `entropy`, EB-Sampler). The score is the negative entropy in nats. */
export const entropyScorer: Scorer = {
  needs: { entropy: true },
  score: ({ stats, candidates: { at } }) => Float64Array.from(at, (r) => -stats.entropy![r]!),
  confidence: "probability",
};

/**
 * A cell that would become one of `ids` ranks behind all others: LLaDA's `confidence_eos_eot_inf`, dllm's
 * `begin_suppress_tokens` (which also leaves these ids out of the other cells' confidence; replays do that).
 */
export function endsLast(scorer: Scorer, ids: readonly number[]): Scorer {
  return {
    ...scorer,
    score: (step) =>
      scorer
        .score(step)
        .map((score, i) => (ids.includes(step.candidates.ids[i]!) ? Number.NEGATIVE_INFINITY : score)),
  };
}
