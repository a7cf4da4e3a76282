import type { RowStats } from "../../core/types.ts";
import { allocateRowStats, reduceRows } from "../../math/row-stats.ts";
import { fixedBlocks } from "../blocks.ts";
import { type Canvas, continuationCanvas, FILLED } from "../canvas.ts";
import { decode, type StepEvent, startState } from "../decode.ts";
import { gumbelSampler } from "../pieces/sampler.ts";
import { probabilityScorer } from "../pieces/scorer.ts";
import { seededRng } from "../rng.ts";
import type { DecodeState, Selector, Strategy } from "../strategy.ts";

/** Scenes on statistics that are written down. */

/** Vocabulary of the written-down statistics; the last id is the mask. */
export const V = 128;
export const MASK: number = V - 1;

/** What the model says of one cell: a probability for each listed token, the rest evenly spread. */
type Say = ReadonlyMap<number, number>;

/** The best token of a cell, by default one of its own. */
export const says = (p: number, id: number): Say => new Map([[id, p]]);

interface Asked {
  readonly row: number;
  readonly step: number;
  readonly canvas: Int32Array;
  readonly isDraft: boolean;
}

export interface Scene {
  readonly canvas: Canvas;
  readonly pieces: Partial<Strategy> & { readonly selector: Selector };
  says(asked: Asked): Say;
  readonly entropy?: readonly number[];
  readonly block?: number;
  readonly steps?: number;
}

/** Statistics of rows of which each says `of(row)`. */
export function statsOf(
  rows: Int32Array,
  signals: Parameters<typeof allocateRowStats>[1],
  canvas: Int32Array,
  of: (row: number) => Say,
): RowStats {
  const logits = new Float32Array(rows.length * V);
  for (const [r, row] of rows.entries()) {
    const listed = of(row);
    const rest = 1 - [...listed.values()].reduce((sum, p) => sum + p, 0);
    for (let id = 0; id < V; id++) {
      logits[r * V + id] = Math.log(listed.get(id) ?? Math.max(rest, 1e-30) / (V - 1 - listed.size));
    }
  }
  const stats = allocateRowStats(rows, signals, "f64");
  reduceRows(logits, V, canvas, signals, [MASK], stats);
  return stats;
}

/** Plays a scene and returns its steps and the state after them. */
export function play({ canvas, pieces, says: say, entropy, block, steps = 1 }: Scene): {
  readonly events: readonly StepEvent[];
  readonly state: DecodeState;
} {
  const state = startState(canvas);
  const strategy: Strategy = {
    blocks: fixedBlocks(block ?? canvas.ids.length),
    sampler: gumbelSampler({ temperature: 0, topK: 0, topP: 1 }),
    scorer: probabilityScorer,
    guidance: { kind: "none" },
    ...pieces,
  };
  const traits = { maskId: MASK, suppress: [MASK], attention: { kind: "full" } } as const;
  const events: StepEvent[] = [];
  const decoder = decode(strategy, traits, state, seededRng(1));
  let step = 0;
  for (let turn = decoder.next(); turn.done !== true; ) {
    const output = turn.value;
    if (output.type === "request") {
      if (events.length >= steps) break;
      const { rows, signals, canvases, drafts = [] } = output.request;
      const main = statsOf(rows, signals, canvases[0]!, (row) =>
        say({ row, step, canvas: canvases[0]!, isDraft: false }),
      );
      const entropies = main.temperedEntropy ?? main.entropy;
      if (entropy !== undefined) for (const [r, row] of rows.entries()) entropies![r] = entropy[row]!;
      const of = drafts.map((draft) =>
        statsOf(
          draft.rows,
          { ...signals, ...(draft.gather === undefined ? {} : { gather: { width: 1, ids: draft.gather } }) },
          draft.canvas,
          (row) => say({ row, step, canvas: draft.canvas, isDraft: true }),
        ),
      );
      step++;
      turn = decoder.next(drafts.length === 0 ? main : { ...main, drafts: of });
      continue;
    }
    if (output.type === "step") events.push(output);
    turn = decoder.next(undefined);
  }
  return { events, state };
}

/** Masks alone. */
export const masks = (cells: number): Canvas => continuationCanvas([], cells, MASK);

/** Cells that are written, -1 for masks; nothing is given. */
export function written(ids: readonly number[]): Canvas {
  const canvas = masks(ids.length);
  for (const [row, id] of ids.entries()) {
    if (id < 0) continue;
    canvas.ids[row] = id;
    canvas.kinds[row] = FILLED;
  }
  return canvas;
}

/** Rows that the first step of a selector commits where each cell is this sure of itself. */
export function taken(selector: Selector, p: readonly number[], pieces: Partial<Strategy> = {}): number[] {
  const { events } = play({
    canvas: masks(p.length),
    pieces: { selector, ...pieces },
    says: ({ row }) => says(p[row]!, row),
  });
  return events[0]!.commits.map(({ row }) => row);
}
