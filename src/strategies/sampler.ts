import type { RowStats } from "../core/types.ts";
import type { Candidates, Sampler } from "./strategy.ts";

export interface SamplerOptions {
  /** 0 takes the best token of each row. */
  readonly temperature: number;
  /** Sample among the `topK` best; 0 for all. */
  readonly topK: number;
  /** Sample among the smallest set whose tempered probability reaches this; 1 for all. */
  readonly topP: number;
}

/**
 * Gumbel-max sampling as LLaDA does it: the token is drawn at `temperature`, its probability is the softmax of the raw
 * logits (no noise, temperature 1).
 */
export function gumbelSampler({ temperature, topK, topP }: SamplerOptions): Sampler {
  return {
    noise: (state, rng) =>
      temperature === 0 ? undefined : { temperature, topK, topP, seed: rng.seed, step: state.step },
    draw: rawCandidates,
  };
}

function rawCandidates(stats: RowStats): Candidates {
  const count = stats.rows.length;
  const probabilities = new Float64Array(count);
  for (let r = 0; r < count; r++) {
    const probability = Math.exp(stats.sampledLogits[r]! - stats.lse[r]!);
    probabilities[r] = Number.isNaN(probability) ? 0 : probability;
  }
  return { rows: stats.rows.slice(), ids: stats.sampledIds.slice(0, count), probabilities };
}
