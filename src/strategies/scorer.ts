import type { Scorer } from "./strategy.ts";

/** Most probable first. */
export const probabilityScorer: Scorer = {
  score: (_state, candidates) => candidates.probabilities.slice(),
  isProbability: true,
};

/** In random order. */
export const randomScorer: Scorer = {
  score: (state, candidates, rng) => rng.uniforms(state.step, candidates.rows),
  isProbability: false,
};
