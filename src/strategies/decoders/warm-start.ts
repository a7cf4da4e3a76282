import type { Draft } from "../../core/types.ts";
import { FILLED } from "../canvas.ts";
import { defineMemory } from "../memory.ts";
import { thresholdSelector } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import { positionOf } from "../rows.ts";
import type { DecodeState, Reviser, Step } from "../strategy.ts";

/** Whether the draft has been looked at. */
const memory = defineMemory<{ checked: boolean }>("warm-start", () => ({ checked: false }));

/**
 * How a token of a draft is judged: `seen`, as it stands in its cell, or `hidden`, with its own cell and every second
 * one masked, which takes two more canvases. A model that was trained with masks mostly believes what it sees.
 */
export type DraftCheck = "seen" | "hidden";

/**
 * Starts from a draft (context-aware initialisation, arXiv 2512.19004): its tokens stand in the canvas as if they had been
 * committed; the first forward takes back those that the model gives less than `keep`, the rest stay. A random draft costs
 * one forward, a perfect one is confirmed by it.
 *
 * @param keep probability of the token that stands in the cell; 0 trusts the draft
 */
export function scepticalReviser(keep: number, check: DraftCheck): Reviser {
  const isOpen = (state: DecodeState): boolean => !memory.of(state).checked;
  const judged = check === "seen" || keep === 0 ? seenProbabilities : hiddenProbabilities;
  return {
    ...(judged === seenProbabilities ? { needs: { current: true } } : {}),
    ...(judged === hiddenProbabilities
      ? { drafts: (state: DecodeState, maskId: number) => (isOpen(state) ? halves(state, maskId) : []) }
      : {}),
    watch: (state) => (isOpen(state) ? draftRows(state) : []),
    isPending: (state) => state.block.end > 0 && isOpen(state),
    revise: (step) => {
      if (!isOpen(step.state)) return { remasks: [], overwrites: [] };
      memory.of(step.state).checked = true;
      const remasks = Array.from(judged(step)).flatMap(([row, p]) => (p < keep ? [row] : []));
      return { remasks: remasks.sort((a, b) => a - b), overwrites: [] };
    },
  };
}

/** Probability of each token of the draft where it stands, by row. */
function seenProbabilities({ state, stats }: Step): Map<number, number> {
  return new Map(
    draftRows(state).map((row) => {
      const r = positionOf(stats.rows, row);
      return [row, Math.exp(stats.currentLogits![r]! - stats.lse[r]!)];
    }),
  );
}

/** Probability of each token of the draft where it is masked, by row. */
function hiddenProbabilities({ stats: { drafts = [] } }: Step): Map<number, number> {
  return new Map(
    drafts.flatMap(({ rows, gatherLogits, lse }) =>
      Array.from(rows, (row, r) => [row, Math.exp(gatherLogits![r]! - lse[r]!)] as const),
    ),
  );
}

/** The canvas with the even, and with the odd tokens of the draft masked: neighbours are never hidden together. */
function halves(state: DecodeState, maskId: number): Draft[] {
  const { ids } = state.canvas;
  return [0, 1].map((odd) => {
    const rows = Int32Array.from(draftRows(state).filter((_row, i) => i % 2 === odd));
    const hidden = new Set(rows);
    return {
      canvas: ids.map((id, row) => (hidden.has(row) ? maskId : id)),
      rows,
      gather: rows.map((row) => ids[row]!),
    };
  });
}

function draftRows({ canvas, targets }: DecodeState): number[] {
  return Array.from(targets).filter((row) => canvas.kinds[row] === FILLED);
}

/** Needs the recipe's `init`, which brings the reviser. */
export const warmStartPreset: Preset = {
  title: "Warm start: begins with a draft and rewrites what the model doubts",
  keys: ["threshold"],
  revises: true,
  overrules: true,
  pieces: ({ threshold }) => ({ selector: thresholdSelector(threshold) }),
};
