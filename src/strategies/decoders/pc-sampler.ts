import { quotaSelector } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import { placeInBlock } from "../rows.ts";
import type { Scorer } from "../strategy.ts";

export interface PositionCalibration {
  /** Decay by place in the block: 0 ignores the place, large values go left to right. */
  readonly lambda: number;
  /** Upper bound of the calibrated confidence. */
  readonly alpha: number;
  /** How common a token is in ordinary text, by id: `[vocab]`, sums to 1. */
  readonly frequency: ArrayLike<number>;
  readonly confidence?: "probability" | "score";
}

/** What the reference adds before the logarithm. */
const FLOOR = 1e-9;

/**
 * PC-Sampler (arXiv 2508.13021): `exp(-lambda j) min(alpha, -p ln(f + 1e-9))` for place `j` of the block. Common tokens
 * count less, because a model is sure of them long before it knows the sentence.
 */
export function positionCalibratedScorer(options: PositionCalibration): Scorer {
  const { lambda, alpha, frequency, confidence = "probability" } = options;
  return {
    score: ({ state, candidates: { rows, ids, probabilities } }) => {
      return Float64Array.from(rows, (row, i) => {
        const rarity = -Math.log((frequency[ids[i]!] ?? 0) + FLOOR);
        return Math.exp(-lambda * placeInBlock(state, row)) * Math.min(alpha, probabilities[i]! * rarity);
      });
    },
    confidence,
  };
}

/** The paper's settings. Where a bundle has no frequencies all tokens count the same. */
export const pcPreset: Preset = {
  title: "PC-Sampler: prefers early places and uncommon tokens",
  keys: ["steps"],
  pieces: ({ steps }, { frequency = [] }) => ({
    selector: quotaSelector({ steps, keepZeroSteps: false }),
    scorer: positionCalibratedScorer({ lambda: 0.25, alpha: 10, frequency }),
  }),
};
