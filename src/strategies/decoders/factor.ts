import { rank } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import type { Selector } from "../strategy.ts";

export interface FactorOptions {
  /** Larger is bolder: rank `n` needs `p >= 1 - factor / (n + 1)`. */
  readonly factor: number;
  /** The loop of PC-Sampler and dInfer takes every row when only the last one fails; golden replays keep that. */
  readonly takesAllOnLastFailure?: boolean;
}

/**
 * Fast-dLLM's factor rule (arXiv 2505.22618): by descending score, the longest run of ranks `n = 1, 2, ...` in which
 * each score is at least `1 - factor / (n + 1)`; the first always. `n + 1` tokens committed together are safe while
 * `(n + 1)(1 - p) < factor`.
 */
export function factorSelector({ factor, takesAllOnLastFailure = false }: FactorOptions): Selector {
  return {
    select: (_step, scores) => {
      const order = rank(scores);
      let count = 1;
      while (count < order.length && scores[order[count]!]! >= 1 - factor / (count + 2)) count++;
      if (takesAllOnLastFailure && count === order.length - 1) count++;
      return order
        .slice(0, count)
        .map((index, place) => ({ index, reason: place === 0 ? "best" : "factor" }));
    },
  };
}

export const factorPreset: Preset = {
  title: "Fast-dLLM: a threshold that rises with every further token",
  keys: ["factor"],
  pieces: ({ factor }) => ({ selector: factorSelector({ factor }) }),
};
