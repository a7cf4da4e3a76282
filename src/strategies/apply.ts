import type { Commit } from "../core/events.ts";
import { type Canvas, editCanvas, FILLED, MASKED, targetRows } from "./canvas.ts";
import type {
  Candidates,
  DecodeState,
  LengthEdit,
  ModelTraits,
  Pick,
  Revision,
  StopEdit,
  Strategy,
} from "./strategy.ts";

/** How the outcome of a step gets into the canvas. */

/**
 * A step together with what the stop rule did, as one event. Events take back after they commit, so a cell that was
 * taken back and then filled by the rule is told as overwritten.
 */
export function withStop(
  commits: readonly Commit[],
  revision: Revision,
  last: StopEdit | null,
): Revision & { readonly commits: readonly Commit[] } {
  if (last === null) return { ...revision, commits };
  const refilled = new Set(last.commits.map(({ row }) => row));
  const back = new Set(revision.remasks);
  return {
    commits: [...commits, ...last.commits.filter(({ row }) => !back.has(row))].sort((a, b) => a.row - b.row),
    remasks: revision.remasks.filter((row) => !refilled.has(row)),
    overwrites: [
      ...revision.overwrites,
      ...last.commits.filter(({ row }) => back.has(row)).map(({ row, id }) => ({ row, id })),
      ...last.overwrites,
    ],
  };
}

/** Picked candidates as commits, by ascending row. A candidate that is the mask itself changes nothing. */
export function commitsOf(
  strategy: Strategy,
  candidates: Candidates,
  scores: Float64Array,
  picks: readonly Pick[],
  maskId: number,
): Commit[] {
  const { rows, ids } = candidates;
  const confidence = confidences(strategy, candidates, scores);
  return picks
    .filter(({ index }) => ids[index] !== maskId)
    .toSorted((a, b) => a.index - b.index)
    .map(({ index, reason }) => ({
      row: rows[index]!,
      id: ids[index]!,
      conf: confidence?.[index] ?? null,
      reason,
    }));
}

/** What commits report, by candidate. */
function confidences(
  { scorer }: Strategy,
  { probabilities }: Candidates,
  scores: Float64Array,
): Float64Array | null {
  if (scorer.confidence === "none") return null;
  return scorer.confidence === "score" ? scores : probabilities;
}

/** Puts tokens into their cells. */
export function commit(canvas: Canvas, commits: readonly Commit[]): void {
  for (const { row, id } of commits) {
    canvas.ids[row] = id;
    canvas.kinds[row] = FILLED;
  }
}

/** Takes tokens back, then replaces tokens. */
export function revise(canvas: Canvas, { remasks, overwrites }: Revision, maskId: number): void {
  for (const row of remasks) {
    canvas.ids[row] = maskId;
    canvas.kinds[row] = MASKED;
  }
  for (const { row, id } of overwrites) canvas.ids[row] = id;
}

/** Changes the length of the canvas; the open block keeps its cells. */
export function applyEdit(
  { blocks }: Strategy,
  { maskId }: ModelTraits,
  state: DecodeState,
  edit: LengthEdit,
): void {
  const { targets, block } = state;
  // The open block keeps its cells; a cell inserted right behind its last one belongs to it.
  const first = targets[block.start] ?? 0;
  const behind = block.end > block.start ? targets[block.end - 1]! + 1 : first;
  let end = block.end;
  for (const { at, n } of edit.inserts) if (at > first && at <= behind) end += n;
  for (const { at, n } of edit.deletes) {
    for (let row = at; row < at + n; row++) if (row >= first && row < behind) end--;
  }
  state.canvas = editCanvas(state.canvas, edit, maskId);
  state.targets = targetRows(state.canvas);
  state.pending = edit.commits ?? [];
  state.block = { start: block.start, end: Math.min(end, state.targets.length) };
  if (blocks.refit !== undefined && block.end > 0) state.block = blocks.refit(state);
}
