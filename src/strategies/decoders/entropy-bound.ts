import { entropyScorer } from "../pieces/scorer.ts";
import { rank } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import type { Selector } from "../strategy.ts";

/**
 * EB-Sampler (arXiv 2505.24857): in the order of the scorer, the most rows whose entropies satisfy
 * `sum H - max H <= gamma`, at least one. The left side bounds how far the product of the marginals is from the joint.
 *
 * @param gamma nats
 */
export function entropyBoundSelector(gamma: number): Selector {
  return {
    needs: { entropy: true },
    select: ({ stats, candidates: { at } }, scores) => {
      let sum = 0;
      let most = 0;
      const taken: number[] = [];
      for (const index of rank(scores)) {
        const entropy = stats.entropy![at[index]!]!;
        sum += entropy;
        most = Math.max(most, entropy);
        if (taken.length > 0 && !(sum - most <= gamma)) break;
        taken.push(index);
      }
      return taken.map((index, place) => ({ index, reason: place === 0 ? "best" : "entropy" }));
    },
  };
}

/**
 * dParallel (arXiv 2509.26488): every row whose entropy is at most `threshold` nats, and always the one with the least.
 * Meant for a scorer that puts the least entropy first.
 */
export function entropyThresholdSelector(threshold: number): Selector {
  return {
    needs: { entropy: true },
    select: ({ stats, candidates: { at } }, scores) =>
      rank(scores)
        .filter((index, place) => place === 0 || stats.entropy![at[index]!]! <= threshold)
        .map((index, place) => ({ index, reason: place === 0 ? "best" : "entropy" })),
  };
}

export const ebPreset: Preset = {
  title: "EB-Sampler: as many tokens as an entropy budget allows",
  keys: ["gamma"],
  pieces: ({ gamma }) => ({ selector: entropyBoundSelector(gamma), scorer: entropyScorer }),
};

export const dparallelPreset: Preset = {
  title: "dParallel: every token whose entropy is low enough",
  keys: ["gamma"],
  defaults: { gamma: 0.5 },
  pieces: ({ gamma }) => ({ selector: entropyThresholdSelector(gamma), scorer: entropyScorer }),
};
