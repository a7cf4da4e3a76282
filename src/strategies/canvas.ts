import type { Span } from "../core/types.ts";

/** What stands in a cell: text that was given, a mask, or a token the decoder put there. */
export const GIVEN = 0;
/** A cell that waits for a token. */
export const MASKED = 1;
/** A cell that a decoder has written. */
export const FILLED = 2;

/** The token array being denoised. Rows are absolute positions; all arrays have the length of the canvas. */
export interface Canvas {
  readonly ids: Int32Array;
  /** {@link GIVEN}, {@link MASKED} or {@link FILLED} of each cell; given cells never change. */
  readonly kinds: Uint8Array;
  /** Identity of each cell: survives insertions and deletions before it, never used twice. */
  readonly slots: Int32Array;
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
    slots: Int32Array.from({ length: ids.length }, (_, row) => row),
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

/**
 * The canvas after cells were inserted (as masks) and deleted; both lists name rows before the edit.
 *
 * @returns a new canvas; inserted cells have fresh slots
 */
export function editCanvas(
  canvas: Canvas,
  { inserts, deletes }: { readonly inserts: readonly Edit[]; readonly deletes: readonly Edit[] },
  maskId: number,
): Canvas {
  const ids: number[] = [];
  const kinds: number[] = [];
  const slots: number[] = [];
  let fresh = canvas.slots.reduce((most, slot) => Math.max(most, slot), -1) + 1;
  for (let row = 0; row <= canvas.ids.length; row++) {
    for (const { at, n } of inserts) {
      if (at !== row) continue;
      for (let i = 0; i < n; i++) {
        ids.push(maskId);
        kinds.push(MASKED);
        slots.push(fresh++);
      }
    }
    if (row === canvas.ids.length || deletes.some(({ at, n }) => at <= row && row < at + n)) continue;
    ids.push(canvas.ids[row]!);
    kinds.push(canvas.kinds[row]!);
    slots.push(canvas.slots[row]!);
  }
  return {
    ids: Int32Array.from(ids),
    kinds: Uint8Array.from(kinds),
    slots: Int32Array.from(slots),
    promptLen: canvas.promptLen,
  };
}

/** `n` cells at row `at`. */
interface Edit {
  readonly at: number;
  readonly n: number;
}
