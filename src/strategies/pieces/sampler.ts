import type { RowStats } from "../../core/types.ts";
import type { Candidates, Sampler } from "../strategy.ts";

/** How a token is drawn from a row. */
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

/** The sampled token of each row with its noise-free probability. */
export function rawCandidates(stats: RowStats, rows: Int32Array, at: Int32Array): Candidates {
  const ids = new Int32Array(rows.length);
  const probabilities = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const r = at[i]!;
    ids[i] = stats.sampledIds[r]!;
    const probability = Math.exp(stats.sampledLogits[r]! - stats.lse[r]!);
    probabilities[i] = Number.isNaN(probability) ? 0 : probability;
  }
  return { rows, ids, probabilities, at };
}

/**
 * Sampling as Dream, SDAR and LLaDA2 do it: the probability of the token is that of the distribution it was drawn from,
 * after temperature, top-k and top-p. Such a probability is larger than the raw one: thresholds do not carry over.
 */
export function temperedSampler(options: SamplerOptions): Sampler {
  const { temperature } = options;
  if (temperature === 0)
    return options.topK === 0 && options.topP >= 1 ? gumbelSampler(options) : filteredBest(options);
  return {
    ...gumbelSampler(options),
    needs: { tempered: true },
    draw: (stats, rows, at) => {
      const candidates = rawCandidates(stats, rows, at);
      for (const [i, r] of at.entries()) {
        candidates.probabilities[i] = Math.exp(
          stats.sampledLogits[r]! / temperature - stats.temperedLse![r]!,
        );
      }
      return candidates;
    },
  };
}

/** The best token of each row, with its probability among those that top-k and top-p leave: Dream's at temperature 0. */
function filteredBest({ topK, topP }: SamplerOptions): Sampler {
  return {
    // What is drawn at temperature 1 is not used, what it is drawn from is.
    noise: (state, rng) => ({ temperature: 1, topK, topP, seed: rng.seed, step: state.step }),
    needs: { tempered: true },
    draw: (stats, rows, at) => ({
      rows,
      ids: Int32Array.from(at, (r) => stats.topIds[r * stats.k]!),
      probabilities: Float64Array.from(at, (r) =>
        Math.exp(stats.topLogits[r * stats.k]! - stats.temperedLse![r]!),
      ),
      at,
    }),
  };
}
