import { FILLED, MASKED } from "../canvas.ts";
import { defineMemory } from "../memory.ts";
import { rank } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import { positionOf, sampledProbability } from "../rows.ts";
import type { DecodeState, Reviser, Selector, Step } from "../strategy.ts";

export interface SaberOptions {
  /** Tokens of a step at least. */
  readonly least: number;
  /** How many tokens a step took; absent: those that were written. The reference counts masks too, golden replays keep that. */
  readonly taken?: () => number;
}

interface SaberMemory {
  /** Confidence of every cell at its last commit, by slot. */
  readonly committed: Map<number, number>;
  /** Probability of every cell's drawn token in the last forward that covered it, by slot. */
  last: Map<number, number>;
  /** Rise of that probability since the forward before, by slot. */
  rise: Map<number, number>;
}

const memory = defineMemory<SaberMemory>("saber", () => ({
  committed: new Map(),
  last: new Map(),
  rise: new Map(),
}));

/**
 * Saber (arXiv 2510.18165): the threshold is the mean confidence of what was committed so far, at least `least` tokens
 * a step; then the tokens whose cells have lost most confidence since the last forward are taken back, fewer than were
 * committed. Nothing is taken back in the step that fills the block.
 */
export function saber({ least, taken }: SaberOptions): { selector: Selector; reviser: Reviser } {
  const selector: Selector = {
    watch: ({ targets, block }) => targets.subarray(0, block.end),
    select: (step, scores) => {
      const { state, candidates } = step;
      observe(step);
      const { committed } = memory.of(state);
      const before = Array.from(committed.values());
      const threshold = before.length === 0 ? 1 : before.reduce((sum, p) => sum + p, 0) / before.length;
      const order = rank(scores);
      const sure = order.filter((index) => scores[index]! > threshold);
      const chosen = sure.length >= least ? sure : order.slice(0, least);
      for (const index of chosen) committed.set(state.canvas.slots[candidates.rows[index]!]!, scores[index]!);
      return chosen.map((index) => ({ index, reason: sure.includes(index) ? "threshold" : "best" }));
    },
  };
  const reviser: Reviser = {
    revise: ({ state, candidates }, commits) => {
      const { canvas, targets, block } = state;
      const now = new Set(commits.map(({ row }) => row));
      const isFilled = (row: number): boolean => canvas.kinds[row] === FILLED || now.has(row);
      const rows = Array.from(targets.subarray(0, block.end));
      if (candidates.rows.length === commits.length || rows.every(isFilled))
        return { remasks: [], overwrites: [] };
      // A constraint may have kept some of the picks back.
      const count = taken?.() ?? commits.length;
      const back = Math.min(Math.max(Math.floor(least / 2), Math.floor((count + 7) / 8)), count - 1);
      const { rise } = memory.of(state);
      const riseOf = (row: number): number => rise.get(canvas.slots[row]!) ?? Number.POSITIVE_INFINITY;
      const remasks = rows
        .filter(isFilled)
        .sort((a, b) => compare(riseOf(a), riseOf(b)) || a - b)
        .slice(0, back);
      return { remasks, overwrites: [] };
    },
  };
  return { selector, reviser };
}

/** Ascending, where both may be infinite. */
function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Compares the probability of every cell's drawn token with the last forward. */
function observe({ state, stats }: Step): void {
  const kept = memory.of(state);
  const now = new Map<number, number>();
  // Before the first forward every cell counts as hopeless; a cell that is seen later for the first time has no past.
  const unseen = kept.last.size === 0 ? 0 : undefined;
  kept.rise = new Map();
  for (const row of rowsUpTo(state)) {
    const r = positionOf(stats.rows, row);
    const slot = state.canvas.slots[row]!;
    const p = sampledProbability(stats, r);
    const before = kept.last.get(slot) ?? unseen;
    if (before !== undefined) kept.rise.set(slot, p - before);
    now.set(slot, p);
  }
  kept.last = now;
}

function rowsUpTo({ canvas, targets, block }: DecodeState): Iterable<number> {
  return targets
    .subarray(0, block.end)
    .filter((row) => canvas.kinds[row] === FILLED || canvas.kinds[row] === MASKED);
}

export const saberPreset: Preset = {
  title: "Saber: speeds up as it grows sure, and takes back what it doubts",
  keys: [],
  revises: true,
  pieces: () => ({ ...saber({ least: 2 }), demands: { revises: true, comparesSteps: true } }),
};
