import { MASKED } from "../canvas.ts";
import { defineMemory } from "../memory.ts";
import { thresholdSelector } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import { bestProbability } from "../rows.ts";
import type { Candidates, DecodeState, Sampler } from "../strategy.ts";

export interface CreditOptions {
  /** Weight of the credit: `logit + alpha ln(1 + credit)`. 0 is the plain model. */
  readonly alpha: number;
  /** Exponent of the probability that is added. */
  readonly gamma: number;
  /** Share of the credit that is left after a step. */
  readonly decay: number;
}

/** Credits of one block: by slot, how much each token that was ever the best has gathered. */
interface Credits {
  block: number;
  readonly bySlot: Map<number, Map<number, number>>;
}

const memory = defineMemory<Credits>("credit", () => ({ block: -1, bySlot: new Map() }));

/**
 * CreditDecoding (arXiv 2510.06133): a token that stays a cell's best guess gathers credit, and its logit is raised by
 * it, so that it passes a threshold some steps earlier. Sparse and exact: only tokens that were once the best of a cell
 * have credit, so `p'(v) = (1 + C_v)^alpha p(v) / (1 + sum_u ((1 + C_u)^alpha - 1) p(u))` needs their logits alone. The
 * best of the raised logits is always one of them. Credits start anew with every block, and in a cell that is taken back.
 */
export function creditSampler({ alpha, gamma, decay }: CreditOptions): Sampler {
  const creditsOf = (state: DecodeState): Credits => {
    if (memory.of(state).block !== state.block.start) {
      memory.set(state, { block: state.block.start, bySlot: new Map() });
    }
    const credits = memory.of(state);
    // A cell that is written is done with its credit, also if it becomes a mask again.
    const { slots, kinds } = state.canvas;
    for (const [row, slot] of slots.entries()) if (kinds[row] !== MASKED) credits.bySlot.delete(slot);
    return credits;
  };
  return {
    noise: () => undefined,
    gather: (state) => {
      const ids = new Map<number, readonly number[]>();
      const { bySlot } = creditsOf(state);
      for (const row of state.targets.subarray(state.block.start, state.block.end)) {
        const held = bySlot.get(state.canvas.slots[row]!);
        if (held !== undefined) ids.set(row, [...held.keys()]);
      }
      return ids;
    },
    draw: (stats, rows, at, state) => {
      const { bySlot } = creditsOf(state);
      const candidates: Candidates = {
        rows,
        ids: new Int32Array(rows.length),
        probabilities: new Float64Array(rows.length),
        at,
      };
      for (const [i, row] of rows.entries()) {
        const r = at[i]!;
        const slot = state.canvas.slots[row]!;
        const held = bySlot.get(slot) ?? new Map<number, number>();
        const width = stats.gatherLogits!.length / stats.rows.length;
        const probabilities = new Map<number, number>();
        for (const [n, id] of [...held.keys()].entries()) {
          probabilities.set(id, Math.exp(stats.gatherLogits![r * width + n]! - stats.lse[r]!));
        }
        const best = stats.topIds[r * stats.k]!;
        const p1 = bestProbability(stats, r);
        probabilities.set(best, p1);
        for (const [id, credit] of held) held.set(id, credit * decay);
        held.set(best, (held.get(best) ?? 0) + p1 ** gamma);
        bySlot.set(slot, held);
        let total = 1;
        let lead = Number.NEGATIVE_INFINITY;
        for (const [id, credit] of held) {
          const p = probabilities.get(id)!;
          const raised = (1 + credit) ** alpha * p;
          total += raised - p;
          if (!(raised > lead) && !(raised === lead && id < candidates.ids[i]!)) continue;
          lead = raised;
          candidates.ids[i] = id;
        }
        candidates.probabilities[i] = Number.isFinite(lead) ? lead / total : 0;
      }
      return candidates;
    },
  };
}

/** The settings of dInfer's recipe. */
export const creditPreset: Preset = {
  title: "CreditDecoding: a threshold that steady guesses pass earlier",
  keys: ["threshold"],
  defaults: { threshold: 0.8 },
  greedy: true,
  pieces: ({ threshold }) => ({
    sampler: creditSampler({ alpha: 0.7, gamma: 0.2, decay: 0.8 }),
    selector: thresholdSelector(threshold),
  }),
};
