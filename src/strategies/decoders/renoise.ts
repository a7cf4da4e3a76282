import type { RowStats } from "../../core/types.ts";
import { FILLED } from "../canvas.ts";
import { defineMemory } from "../memory.ts";
import { rawCandidates, type SamplerOptions } from "../pieces/sampler.ts";
import { rank } from "../pieces/selector.ts";
import type { Preset, RenoiseSettings } from "../recipe/preset.ts";
import { bestProbability, positionOf } from "../rows.ts";
import type { Candidates, DecodeState, Reviser, Sampler, Selector, Step } from "../strategy.ts";

/** Its `temperature` is that of a block's first step; at 0 the best tokens are taken, and entropies are those at 1. */
export interface RenoiseOptions extends RenoiseSettings, SamplerOptions {
  /** Entropy that the accepted cells may have together before the next one, nats. */
  readonly bound: number;
}

interface RenoiseMemory {
  block: number;
  steps: number;
  /** Best tokens of the block in the last step, and the steps in a row that they have not changed. */
  best: readonly number[];
  stable: number;
  /** The block is settled: it holds its best tokens and nothing is taken back. */
  settled: boolean;
}

const memory = defineMemory<RenoiseMemory>("renoise", () => fresh(-1));

/**
 * The entropy-bound sampler of DiffusionGemma (diffusers `EntropyBoundScheduler`, llama.cpp) on a model with masks: in
 * each step all cells of the block, written ones too, are put in the order of their entropy; a cell is accepted while the
 * entropies before it stay within the bound and takes the token drawn in this step, the others become masks again (the
 * original: random tokens). Nothing is kept by right: an accepted cell can be lost later. The temperature falls from step
 * to step. A block ends when its best tokens stay the same and it has calmed down, and with these tokens.
 */
export function renoise(options: RenoiseOptions): {
  sampler: Sampler;
  selector: Selector;
  reviser: Reviser;
} {
  const { bound, topK, topP } = options;
  const accepted = new WeakMap<Step, ReadonlySet<number>>();
  const sampler: Sampler = {
    needs: { tempered: true },
    noise: (state, { seed }) => {
      const temperature = temperatureOf(state, options);
      return temperature === 0 ? undefined : { temperature, topK, topP, seed, step: state.step };
    },
    draw: (stats, rows, at, state) =>
      outlook(state, stats, options).settled
        ? bestCandidates(stats, rows, at)
        : rawCandidates(stats, rows, at),
  };
  const selector: Selector = {
    scope: "open",
    watch: blockRows,
    isPending: (state) => state.block.end > 0 && !current(state).settled && current(state).steps > 0,
    select: (step, scores) => {
      const { state, stats, candidates } = step;
      const kept = Object.assign(current(state), outlook(state, stats, options));
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
      const { state, stats, traits } = step;
      const { canvas } = state;
      const { settled } = current(state);
      const filled = blockRows(state).filter((row) => canvas.kinds[row] === FILLED);
      const isKept = (row: number): boolean => settled || accepted.get(step)?.has(row) === true;
      const overwrites = filled.filter(isKept).flatMap((row) => {
        const r = positionOf(stats.rows, row);
        const id = settled ? stats.topIds[r * stats.k]! : stats.sampledIds[r]!;
        return id === canvas.ids[row] || id === traits.maskId ? [] : [{ row, id }];
      });
      return { remasks: filled.filter((row) => !isKept(row)), overwrites };
    },
  };
  return { sampler, selector, reviser };
}

/** It falls evenly from the first step of a block to the last that it may have. */
function temperatureOf(state: DecodeState, { temperature, tMin, steps }: RenoiseOptions): number {
  const last = Math.min(tMin, temperature);
  return last + ((temperature - last) * Math.max(1, steps - current(state).steps)) / steps;
}

/** The best token of each row. */
function bestCandidates(stats: RowStats, rows: Int32Array, at: Int32Array): Candidates {
  return {
    rows,
    ids: Int32Array.from(at, (r) => stats.topIds[r * stats.k]!),
    probabilities: Float64Array.from(at, (r) => bestProbability(stats, r) || 0),
    at,
  };
}

/** Rows of the block in the order of their entropy, while the sum of the smaller ones is within the bound. */
function acceptedRows({ state, stats }: Step, bound: number): ReadonlySet<number> {
  const cells = blockRows(state)
    .map((row) => ({ row, entropy: stats.temperedEntropy![positionOf(stats.rows, row)]! }))
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

/** What is known of the block with this step: changes nothing. */
function outlook(
  state: DecodeState,
  stats: RowStats,
  { steps: most, stability, confidence }: RenoiseOptions,
): Omit<RenoiseMemory, "block"> {
  const kept = current(state);
  const rows = blockRows(state).map((row) => positionOf(stats.rows, row));
  const best = rows.map((r) => stats.topIds[r * stats.k]!);
  const mean = rows.reduce((sum, r) => sum + stats.temperedEntropy![r]!, 0) / rows.length;
  const steps = kept.steps + 1;
  const stable = best.join() === kept.best.join() ? kept.stable + 1 : 0;
  return { steps, best, stable, settled: steps >= most || (stable >= stability && mean < confidence) };
}

function current(state: DecodeState): RenoiseMemory {
  const kept = memory.of(state);
  return kept.block === state.block.start ? kept : Object.assign(kept, fresh(state.block.start));
}

function fresh(block: number): RenoiseMemory {
  return { block, steps: 0, best: [], stable: 0, settled: false };
}

function blockRows({ targets, block }: DecodeState): number[] {
  return Array.from(targets.subarray(block.start, block.end));
}

/** DiffusionGemma's generation config. */
const DIFFUSION_GEMMA: RenoiseSettings = { tMin: 0.4, steps: 48, stability: 1, confidence: 0.005 };

export const gemmaEbPreset: Preset = {
  title: "DiffusionGemma: accepts what an entropy bound allows, masks the rest again",
  keys: ["gamma", "renoise"],
  defaults: { block: 256, temperature: 0.8, renoise: DIFFUSION_GEMMA },
  overrules: true,
  unranked: true,
  revises: true,
  pieces: ({ gamma, renoise: asked = DIFFUSION_GEMMA, temperature, topK, topP }) =>
    renoise({ ...asked, bound: gamma, temperature, topK, topP }),
};
