import { uniform } from "../../core/random.ts";
import { defineMemory } from "../memory.ts";
import type { Candidates, Pick, Strategy } from "../strategy.ts";

export interface SvddOptions {
  /** Next states that are drawn in each step, from one forward. */
  readonly proposals: number;
  /** Value of a canvas, masks included: larger is better. Must not change it. */
  value(ids: Int32Array): number;
  /** 0 keeps the best proposal; larger values draw one in proportion to `exp(value / alpha)`. */
  readonly alpha: number;
}

interface Proposal {
  readonly picks: readonly Pick[];
  readonly ids: Int32Array;
  readonly probabilities: Float64Array;
  readonly value: number;
}

/** Proposals of the open step. */
const memory = defineMemory<Proposal[]>("svdd", () => []);

/** Draws of one step use counters this far apart: no run has as many steps. */
export const DRAW_STRIDE = 2 ** 20;
/** Stands in for a row and for a token id, so that this choice never shares a counter with token noise. */
const CHOICE_STREAM = 0xffff_fffc;

/**
 * Soft value-based decoding (SVDD, arXiv 2408.08252) around a strategy that samples: each step is drawn several times and
 * the value of the canvas decides which draw is kept. The value may be anything that can be computed from ids: a parser,
 * a classifier, a length. No further forwards; the released code takes the best (`alpha` 0).
 */
export function svdd(strategy: Strategy, { proposals, value, alpha }: SvddOptions): Strategy {
  const { sampler, selector } = strategy;
  return {
    ...strategy,
    sampler: {
      ...sampler,
      noise: (state, rng, rows) => {
        const noise = sampler.noise(state, rng, rows);
        const draw = memory.of(state).length;
        return noise === undefined ? undefined : { ...noise, step: noise.step + draw * DRAW_STRIDE };
      },
    },
    selector: {
      ...selector,
      select: (step, scores) => {
        const { state, candidates, traits, rng } = step;
        const picks = selector.select(step, scores);
        const made = memory.of(state);
        const canvas = state.canvas.ids.slice();
        for (const { index } of picks) {
          if (candidates.ids[index] !== traits.maskId)
            canvas[candidates.rows[index]!] = candidates.ids[index]!;
        }
        const { ids, probabilities } = candidates;
        made.push({ picks, ids: ids.slice(), probabilities: probabilities.slice(), value: value(canvas) });
        if (made.length < proposals) {
          state.redraws = true;
          return [];
        }
        const u = uniform(rng.seed, state.step, CHOICE_STREAM, CHOICE_STREAM);
        const chosen =
          made[
            choose(
              made.map((proposal) => proposal.value),
              alpha,
              u,
            )
          ]!;
        memory.set(state, []);
        return restore(candidates, chosen);
      },
    },
  };
}

/** Index of the best value, or one drawn from the softmax of `values / alpha` with the uniform `u`. */
export function choose(values: readonly number[], alpha: number, u: number): number {
  const best = values.indexOf(Math.max(...values));
  if (alpha === 0) return Math.max(0, best);
  const weights = values.map((value) => Math.exp((value - values[best]!) / alpha));
  let reached = u * weights.reduce((sum, weight) => sum + weight, 0);
  const index = weights.findIndex((weight) => {
    reached -= weight;
    return reached < 0;
  });
  return index < 0 ? best : index;
}

function restore(candidates: Candidates, { picks, ids, probabilities }: Proposal): readonly Pick[] {
  candidates.ids.set(ids);
  candidates.probabilities.set(probabilities);
  return picks;
}
