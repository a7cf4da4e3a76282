import type { RowStats } from "../../core/types.ts";
import { MASKED } from "../canvas.ts";
import { defineMemory } from "../memory.ts";
import type { Preset } from "../recipe/preset.ts";
import { filledInBlock, positionOf, sampledProbability } from "../rows.ts";
import type { DecodeState, Reviser } from "../strategy.ts";
import { dynamicBlockSelector } from "./dynamic-block.ts";

export interface TokenEditOptions {
  /** A token is replaced when another one has more than this probability. */
  readonly threshold: number;
  /** Forwards over a full block, at most, in search of further edits. */
  readonly postSteps: number;
  /** Probability of the token drawn in statistics row `r`; absent: the raw one. */
  probability?(stats: RowStats, r: number): number;
}

interface EditMemory {
  block: number;
  /** Forwards over the full block so far. */
  post: number;
  /** The last forward over the full block changed nothing. */
  settled: boolean;
}

const memory = defineMemory<EditMemory>("token-edit", () => ({ block: -1, post: 0, settled: false }));

/**
 * LLaDA2.1's token-to-token editing (arXiv 2602.08676): a committed token of the open block is replaced when the model
 * prefers another one clearly enough, and taken back when that is the mask; a block is done when it is full and nothing
 * was edited, or after `postSteps`.
 */
export function tokenEditReviser(options: TokenEditOptions): Reviser {
  const { threshold, postSteps, probability = sampledProbability } = options;
  return {
    watch: filledInBlock,
    isPending: (state) => {
      const kept = memory.of(state);
      const isFresh = kept.block !== state.block.start;
      return state.block.end > 0 && postSteps > 0 && (isFresh || (!kept.settled && kept.post < postSteps));
    },
    revise: ({ state, stats, traits }) => {
      const kept = memory.of(state);
      if (kept.block !== state.block.start)
        Object.assign(kept, { block: state.block.start, post: 0, settled: false });
      const edits = filledInBlock(state).flatMap((row) => {
        const r = positionOf(stats.rows, row);
        const id = stats.sampledIds[r]!;
        return id !== state.canvas.ids[row] && probability(stats, r) > threshold ? [{ row, id }] : [];
      });
      if (isFull(state)) {
        kept.post++;
        kept.settled = edits.length === 0;
      }
      return {
        remasks: edits.filter(({ id }) => id === traits.maskId).map(({ row }) => row),
        overwrites: edits.filter(({ id }) => id !== traits.maskId),
      };
    },
  };
}

function isFull({ canvas, targets, block }: DecodeState): boolean {
  return targets.subarray(block.start, block.end).every((row) => canvas.kinds[row] !== MASKED);
}

/**
 * The published thresholds and, as in `block-dynamic`, nothing shown of what comes after the open block. Edits that have not
 * come to rest after four forwards over a full block go to and fro in a model that was not trained to edit: the sixteen
 * of the reference would only cost more.
 */
export const llada2EditPreset: Preset = {
  title: "LLaDA2.1: edits the tokens of a block until nothing changes",
  overrules: true,
  keys: ["threshold"],
  defaults: { threshold: 0.95 },
  revises: true,
  blockwise: true,
  pieces: ({ threshold }) => ({
    selector: dynamicBlockSelector({ threshold, quota: () => 1 }),
    reviser: tokenEditReviser({ threshold: 0.9, postSteps: 4 }),
  }),
};
