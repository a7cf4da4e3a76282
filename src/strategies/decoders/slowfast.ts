import { MASKED } from "../canvas.ts";
import { defineMemory } from "../memory.ts";
import { rank } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import { placeInBlock } from "../rows.ts";
import type { DecodeState, Pick, Selector } from "../strategy.ts";

export interface SlowFastOptions {
  /** Forwards of the slow phase. */
  readonly exploration: number;
  /** A cell counts as foreseeable when its confidence is at least this. */
  readonly reach: number;
  /** How many last estimates are compared. */
  readonly window: number;
  /** The estimate is stable when their standard deviation is below this. */
  readonly deviation: number;
  /** Confidence at which cells are committed together. */
  readonly threshold: number;
  /** The reference explores on in a block that is already full; golden replays keep that. */
  readonly exploresFull?: boolean;
  /** Cycles of a block at most; the masks they leave stay. Only the reference has such an end: its safety break. */
  readonly cycles?: number;
}

/** One cycle: cells `[from, to)` of the block, as offsets from its start. */
interface Cycle {
  block: number;
  phase: "slow" | "fast";
  from: number;
  to: number;
  /** Number of this cycle in its block, from 1. */
  turn: number;
  /** Forwards of this phase so far. */
  steps: number;
  /** Last estimates of `to`; null once it is settled. */
  estimates: number[] | null;
}

const memory = defineMemory<Cycle>("slowfast", () => newCycle(-1, 0, 1));

/**
 * SlowFast sampling (arXiv 2506.10848): a slow phase finds out how far ahead the model is sure of itself, a fast phase
 * fills that stretch in parallel and, after its first forward, is not shown anything behind it. Then the next cycle.
 */
export function slowFastSelector(options: SlowFastOptions): Selector {
  const { exploration, threshold, exploresFull = false, cycles } = options;
  return {
    ...(exploresFull
      ? { isPending: (state: DecodeState) => state.block.end > 0 && isExploring(state, exploration) }
      : {}),
    ...(cycles === undefined
      ? {}
      : { limit: (state: DecodeState) => (cycleOf(state).turn > cycles ? 0 : Number.POSITIVE_INFINITY) }),
    visible: (state) => {
      const cycle = cycleOf(state);
      if (cycle.phase === "slow" || cycle.steps === 0) return state.canvas.ids.length;
      // The canvas may have been cut inside the stretch.
      const last = Math.min(state.block.start + cycle.to, state.targets.length) - 1;
      return state.targets[last]! + 1;
    },
    select: (step, scores) => {
      const { state, candidates } = step;
      const cycle = cycleOf(state);
      const limit = cycle.phase === "slow" ? state.block.end - state.block.start : cycle.to;
      const order = rank(scores).filter((index) => {
        const offset = placeInBlock(state, candidates.rows[index]!);
        return offset >= cycle.from && offset < limit;
      });
      cycle.steps++;
      if (cycle.phase === "slow") {
        const seen = order.filter((index) => scores[index]! >= options.reach);
        const reach = seen.reduce(
          (most, index) => Math.max(most, placeInBlock(state, candidates.rows[index]!) + 1),
          0,
        );
        explore(cycle, reach, state.block.end - state.block.start, options);
      }
      const sure = order.filter((index) => scores[index]! >= threshold);
      return sure.length >= 2
        ? sure.map((index): Pick => ({ index, reason: "threshold" }))
        : order.slice(0, 1).map((index): Pick => ({ index, reason: "best" }));
    },
  };
}

/**
 * Notes how far the model sees, and ends the slow phase when it has taken its forwards.
 *
 * @param reach end of the farthest masked cell that is foreseeable, 0 when none is
 */
function explore(
  cycle: Cycle,
  reach: number,
  size: number,
  { exploration, window, deviation }: SlowFastOptions,
): void {
  if (cycle.estimates !== null) {
    const fallback = cycle.from < size ? cycle.from + 1 : cycle.from;
    const estimate = Math.min(size, Math.max(1, reach === 0 ? fallback : reach));
    const last = [...cycle.estimates, estimate].slice(-window);
    cycle.estimates = last;
    const mean = last.reduce((sum, length) => sum + length, 0) / last.length;
    const spread = Math.sqrt(last.reduce((sum, length) => sum + (length - mean) ** 2, 0) / last.length);
    const isStable = last.length >= window && spread < deviation;
    cycle.to = isStable ? estimate : Math.max(1, Math.floor(mean));
    if (isStable) cycle.estimates = null;
  }
  if (cycle.steps < exploration) return;
  // A cycle that gained nothing would repeat itself for ever.
  cycle.to = Math.min(size, Math.max(cycle.to, cycle.from + 1));
  cycle.phase = "fast";
  cycle.steps = 0;
}

function isExploring(state: DecodeState, exploration: number): boolean {
  const cycle = memory.of(state);
  return (
    cycle.block === state.block.start &&
    cycle.phase === "slow" &&
    cycle.steps > 0 &&
    cycle.steps < exploration
  );
}

/**
 * The cycle of the open block: each block begins with one, and a stretch that is full is followed by the next. Where a
 * token before it was taken back, a cycle begins there.
 */
function cycleOf(state: DecodeState): Cycle {
  const { canvas, targets, block } = state;
  const cycle = memory.of(state);
  if (cycle.block !== block.start) Object.assign(cycle, newCycle(block.start, 0, 1));
  const isFull = (): boolean =>
    !targets.subarray(block.start, block.start + cycle.to).some((row) => canvas.kinds[row] === MASKED);
  if (cycle.phase === "fast" && isFull())
    Object.assign(cycle, newCycle(block.start, cycle.to, cycle.turn + 1));
  const first = targets.subarray(block.start, block.end).findIndex((row) => canvas.kinds[row] === MASKED);
  if (first >= 0 && first < cycle.from) Object.assign(cycle, newCycle(block.start, first, cycle.turn));
  return cycle;
}

function newCycle(block: number, from: number, turn: number): Cycle {
  return { block, phase: "slow", from, to: from, turn, steps: 0, estimates: [] };
}

/** The paper's settings. */
export const slowFastPreset: Preset = {
  title: "SlowFast: explores, then fills the stretch it is sure of",
  keys: ["threshold"],
  pieces: ({ threshold }) => ({
    selector: slowFastSelector({ exploration: 6, reach: 0.3, window: 2, deviation: 1, threshold }),
  }),
};
