import type { Span } from "../../core/types.ts";
import { type Canvas, MASKED } from "../canvas.ts";
import { sampledProbability } from "../rows.ts";
import type { LengthControl } from "../strategy.ts";

export interface GapGrowthOptions {
  /** Gaps that may grow, as rows of the first canvas. */
  readonly free: readonly Span[];
  /** Cells of the first canvas. */
  readonly cells: number;
  /** A mask below this probability, strict, may become several. */
  readonly low: number;
  /** Masks that it becomes. */
  readonly factor: number;
  /** Cells that a gap may have. */
  readonly most: number;
  /** Cells that the canvas may have. */
  readonly room: number;
}

/**
 * DAEDAL's insertion (arXiv 2508.00819, stage 2) inside gaps of free length: after each step the mask that the model
 * doubts most becomes several, while its gap may grow. What stands around the gaps moves and stays as it is.
 */
export function gapGrowth({ free, cells, low, factor, most, room }: GapGrowthOptions): LengthControl {
  const more = factor - 1;
  return {
    edit: ({ state: { canvas }, stats, candidates }, commits) => {
      if (canvas.ids.length + more > room) return null;
      const gapOf = gapsByRow(canvas, free, cells);
      const sizes = free.map((_, gap) => gapOf.reduce((sum, of) => sum + (of === gap ? 1 : 0), 0));
      const taken = new Set(commits.map(({ row }) => row));
      let worst = { row: -1, p: low };
      for (const [index, row] of candidates.rows.entries()) {
        const gap = gapOf[row]!;
        if (taken.has(row) || canvas.kinds[row] !== MASKED || gap < 0 || sizes[gap]! + more > most) continue;
        const p = sampledProbability(stats, candidates.at[index]!);
        if (p < worst.p) worst = { row, p };
      }
      if (worst.row < 0) return null;
      return { inserts: [{ at: worst.row + 1, n: more }], deletes: [], why: "doubtful mask" };
    },
  };
}

/** The free gap that each row belongs to, or -1. Cells are inserted behind one of their gap, and have later slots. */
function gapsByRow({ slots }: Canvas, free: readonly Span[], cells: number): number[] {
  const gaps: number[] = [];
  for (const slot of slots) {
    gaps.push(
      slot < cells ? free.findIndex(({ start, end }) => start <= slot && slot < end) : (gaps.at(-1) ?? -1),
    );
  }
  return gaps;
}
