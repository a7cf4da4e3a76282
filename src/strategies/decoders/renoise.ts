import { FILLED } from "../canvas.ts";
import { defineMemory } from "../memory.ts";
import type { Preset } from "../preset.ts";
import { positionOf } from "../rows.ts";
import { rank } from "../selector.ts";
import type { DecodeState, Reviser, Selector, Step } from "../strategy.ts";

export interface RenoiseOptions {
  /** Entropy that the accepted cells may have together before the next one, nats. */
  readonly bound: number;
  /** Steps of a block, at most. */
  readonly steps: number;
  /** Mean entropy of a block below which it may end, nats. */
  readonly calm: number;
}

interface RenoiseMemory {
  block: number;
  steps: number;
  /** Best tokens of the block in the last step. */
  best: readonly number[];
  /** The block is settled: what is left is filled and nothing is taken back. */
  settled: boolean;
}

const memory = defineMemory<RenoiseMemory>("renoise", () => ({
  block: -1,
  steps: 0,
  best: [],
  settled: false,
}));

/**
 * The entropy-bound sampler of DiffusionGemma (diffusers `EntropyBoundScheduler`, llama.cpp) on a model with masks: in
 * each step all cells of the block, written ones too, are put in the order of their entropy; a cell is accepted while the
 * entropies before it stay within the bound, the others become masks again (the original: random tokens). Nothing is kept
 * by right: an accepted cell can be lost later. A block ends when its best tokens did not change and it has calmed down.
 */
export function renoise({ bound, steps, calm }: RenoiseOptions): { selector: Selector; reviser: Reviser } {
  const accepted = new WeakMap<Step, ReadonlySet<number>>();
  const selector: Selector = {
    scope: "open",
    needs: { entropy: true },
    watch: blockRows,
    isPending: (state) => state.block.end > 0 && !current(state).settled && current(state).steps > 0,
    select: (step, scores) => {
      const { state, candidates } = step;
      const kept = advance(step, calm, steps);
      const taken = acceptedRows(step, bound);
      accepted.set(step, taken);
      const first = rank(scores)[0];
      return Array.from(candidates.rows.keys())
        .filter(
          (index) =>
            kept.settled || taken.has(candidates.rows[index]!) || (taken.size === 0 && index === first),
        )
        .map((index) => ({ index, reason: state.stepInBlock === 0 && index === first ? "best" : "entropy" }));
    },
  };
  const reviser: Reviser = {
    revise: (step) => {
      const taken = accepted.get(step);
      if (current(step.state).settled || taken === undefined) return { remasks: [], overwrites: [] };
      const { canvas } = step.state;
      const remasks = blockRows(step.state).filter((row) => canvas.kinds[row] === FILLED && !taken.has(row));
      return { remasks, overwrites: [] };
    },
  };
  return { selector, reviser };
}

/** Rows of the block in the order of their entropy, while the sum of the smaller ones is within the bound. */
function acceptedRows({ state, stats }: Step, bound: number): ReadonlySet<number> {
  const cells = blockRows(state)
    .map((row) => ({ row, entropy: stats.entropy![positionOf(stats.rows, row)]! }))
    .sort((a, b) => a.entropy - b.entropy || a.row - b.row);
  const taken = new Set<number>();
  let before = 0;
  for (const { row, entropy } of cells) {
    if (before > bound) break;
    taken.add(row);
    before += entropy;
  }
  return taken;
}

/** Counts the step and sees whether the block has settled. */
function advance({ state, stats }: Step, calm: number, steps: number): RenoiseMemory {
  const kept = current(state);
  const rows = blockRows(state).map((row) => positionOf(stats.rows, row));
  const best = rows.map((r) => stats.topIds[r * stats.k]!);
  const mean = rows.reduce((sum, r) => sum + stats.entropy![r]!, 0) / rows.length;
  kept.steps++;
  kept.settled = kept.steps >= steps || (best.join() === kept.best.join() && mean < calm);
  kept.best = best;
  return kept;
}

function current(state: DecodeState): RenoiseMemory {
  const kept = memory.of(state);
  if (kept.block !== state.block.start) {
    Object.assign(kept, { block: state.block.start, steps: 0, best: [], settled: false });
  }
  return kept;
}

function blockRows({ targets, block }: DecodeState): number[] {
  return Array.from(targets.subarray(block.start, block.end));
}

/** The settings of DiffusionGemma's generation config; the mean entropy is looser, because small models stay unsure. */
export const gemmaEbPreset: Preset = {
  title: "DiffusionGemma: accepts what an entropy bound allows, masks the rest again",
  keys: ["gamma"],
  unranked: true,
  revises: true,
  pieces: ({ gamma }) => renoise({ bound: gamma, steps: 48, calm: 0.05 }),
};
