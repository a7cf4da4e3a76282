import type { Span } from "../core/types.ts";

/** What stands in a cell: text that was given, a mask, or a token the decoder put there. */
export const GIVEN = 0;
export const MASKED = 1;
export const FILLED = 2;

/** The token array being denoised. Rows are absolute positions; all arrays have the length of the canvas. */
export interface Canvas {
  readonly ids: Int32Array;
  /** {@link GIVEN}, {@link MASKED} or {@link FILLED} of each cell; given cells never change. */
  readonly kinds: Uint8Array;
  /** Cells before the first one to be filled. */
  readonly promptLen: number;
}

/**
 * A canvas whose `gaps` are masks and whose other cells are given.
 *
 * @param ids whole canvas; copied, and what stands in the gaps is replaced by the mask
 * @param gaps half-open row ranges, ascending and disjoint
 */
export function createCanvas(ids: ArrayLike<number>, gaps: readonly Span[], maskId: number): Canvas {
  const canvas: Canvas = {
    ids: Int32Array.from(ids),
    kinds: new Uint8Array(ids.length),
    promptLen: gaps[0]?.start ?? ids.length,
  };
  for (const gap of gaps) {
    canvas.ids.fill(maskId, gap.start, gap.end);
    canvas.kinds.fill(MASKED, gap.start, gap.end);
  }
  return canvas;
}

/** The plain continuation: a prompt, then `length` masks. */
export function continuationCanvas(prompt: ArrayLike<number>, length: number, maskId: number): Canvas {
  const ids = new Int32Array(prompt.length + length);
  ids.set(Array.from(prompt));
  return createCanvas(ids, [{ start: prompt.length, end: ids.length }], maskId);
}

/** Rows that were not given, ascending: the concatenated gaps. */
export function targetRows(canvas: Canvas): Int32Array {
  const rows: number[] = [];
  for (let row = 0; row < canvas.kinds.length; row++) if (canvas.kinds[row] !== GIVEN) rows.push(row);
  return Int32Array.from(rows);
}

export function countMasks(canvas: Canvas): number {
  let count = 0;
  for (const kind of canvas.kinds) if (kind === MASKED) count++;
  return count;
}
