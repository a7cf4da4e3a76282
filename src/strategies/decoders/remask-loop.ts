import { defineMemory } from "../memory.ts";
import { rank } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import { filledInBlock, positionOf } from "../rows.ts";
import type { DecodeState, Reviser, Selector } from "../strategy.ts";

export interface RemaskLoopOptions {
  /** Cells of the block that are filled before the loops begin. */
  filled(cells: number, state: DecodeState): number;
  /** Tokens a forward commits or takes back. */
  readonly tokens: number;
  /** How often tokens are taken back and written anew; each loop costs two forwards. */
  readonly loops: number;
}

interface LoopMemory {
  block: number;
  loops: number;
  /** True while the tokens taken back last are still to be written. */
  refill: boolean;
}

const memory = defineMemory<LoopMemory>("remask-loop", () => ({ block: -1, loops: 0, refill: false }));

/**
 * Remasking loops (ReMDM, arXiv 2503.00307, as PC-Sampler adapts it to LLaDA): fill most of the block greedily; then,
 * again and again, take back the tokens that have become least probable and fill as many cells; then the rest.
 */
export function remaskLoop({ filled, tokens, loops }: RemaskLoopOptions): {
  selector: Selector;
  reviser: Reviser;
} {
  const phaseOf = (state: DecodeState): "fill" | "remask" | "refill" => {
    const kept = memory.of(state);
    if (kept.block !== state.block.start)
      Object.assign(kept, { block: state.block.start, loops: 0, refill: false });
    const size = state.block.end - state.block.start;
    if (kept.refill) return "refill";
    return kept.loops < loops &&
      filledInBlock(state).length >= Math.min(size, Math.max(1, filled(size, state)))
      ? "remask"
      : "fill";
  };
  const selector: Selector = {
    isPending: (state) => state.block.end > state.block.start && phaseOf(state) === "remask",
    select: ({ state }, scores) => {
      if (phaseOf(state) === "remask") return [];
      return rank(scores)
        .slice(0, tokens)
        .map((index) => ({ index, reason: "quota" }));
    },
  };
  const reviser: Reviser = {
    needs: { current: true },
    watch: filledInBlock,
    revise: ({ state, stats }) => {
      const kept = memory.of(state);
      const phase = phaseOf(state);
      if (phase === "refill") kept.refill = false;
      if (phase !== "remask") return { remasks: [], overwrites: [] };
      kept.refill = true;
      kept.loops++;
      const remasks = filledInBlock(state)
        .map((row) => {
          const r = positionOf(stats.rows, row);
          return { row, p: Math.exp(stats.currentLogits![r]! - stats.lse[r]!) };
        })
        .sort((a, b) => a.p - b.p || a.row - b.row)
        .slice(0, tokens)
        .map(({ row }) => row);
      return { remasks, overwrites: [] };
    },
  };
  return { selector, reviser };
}

export const remdmPreset: Preset = {
  title: "ReMDM: fills most of a block, then rewrites its weakest tokens",
  keys: [],
  revises: true,
  pieces: ({ block }) => ({
    ...remaskLoop({
      filled: (cells) => Math.floor(cells * 0.875),
      tokens: 1,
      loops: Math.max(1, Math.floor(block / 4)),
    }),
  }),
};
