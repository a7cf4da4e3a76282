import { defineMemory } from "../memory.ts";
import { rank } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import type { DecodeState, Pick, Selector, Step } from "../strategy.ts";

export interface KlassOptions {
  /** Confidence of a stable row, strict. */
  readonly threshold: number;
  /** Largest step of a stable row's distribution, nats, strict. */
  readonly divergence: number;
  /** How many last steps must have been that small. */
  readonly history: number;
  /** Which of the stable rows are committed. */
  readonly take?: "all" | "best" | "steadiest";
  /** Commits of each step in which no row is stable; absent: one. */
  readonly plan?: NonNullable<Selector["plan"]>;
  /** The reference leaves a block after its planned steps; golden replays keep that. */
  readonly leavesMasks?: boolean;
}

/** Last divergences of each cell, newest last, by slot. */
const memory = defineMemory<Map<number, number[]>>("klass", () => new Map());

/**
 * KLASS (arXiv 2511.05664): a row is stable when its distribution has hardly moved in each of the last steps (KL of now
 * to before) and its confidence is above the threshold. All stable rows are committed; without any, the best by quota.
 * The divergences of rows behind the block count too. Stale statistics look stable: not for use with a cache.
 */
export function klassSelector(options: KlassOptions): Selector {
  const { threshold, divergence, history, take = "all", plan, leavesMasks = false } = options;
  return {
    tracksKl: true,
    scope: "open",
    ...(plan === undefined ? {} : { plan }),
    ...(leavesMasks ? { limit: (state: DecodeState) => state.quotas.length } : {}),
    watch: ({ targets }) => targets,
    select: (step, scores) => {
      const { state, candidates } = step;
      const recent = remember(step, history);
      const last = (index: number): number[] => recent.get(state.canvas.slots[candidates.rows[index]!]!)!;
      const order = rank(scores);
      const stable = order.filter(
        (index) =>
          state.stepInBlock >= history - 1 &&
          scores[index]! > threshold &&
          last(index).length >= history &&
          last(index).every((kl) => kl < divergence),
      );
      if (stable.length > 0) {
        const newest = (index: number): number => last(index).at(-1)!;
        const chosen =
          take === "all"
            ? stable
            : take === "best"
              ? stable.slice(0, 1)
              : [stable.reduce((a, b) => (newest(b) < newest(a) ? b : a))];
        return chosen.map((index): Pick => ({ index, reason: "stable" }));
      }
      return order
        .slice(0, state.quotas[state.stepInBlock] ?? 1)
        .map((index): Pick => ({ index, reason: "quota" }));
    },
  };
}

function remember({ state, stats }: Step, history: number): Map<number, number[]> {
  const kept = memory.of(state);
  for (const [r, row] of stats.rows.entries()) {
    const slot = state.canvas.slots[row]!;
    kept.set(slot, [...(kept.get(slot) ?? []), stats.klPrevious![r]!].slice(-history));
  }
  return kept;
}

/** The paper's setting for LLaDA on GSM8K, in its blocks. */
export const klassPreset: Preset = {
  title: "KLASS: tokens whose distribution has settled",
  keys: ["threshold"],
  defaults: { threshold: 0.6, block: 64 },
  pieces: ({ threshold }) => ({
    selector: klassSelector({ threshold, divergence: 0.015, history: 2 }),
    demands: { comparesSteps: true },
  }),
};
