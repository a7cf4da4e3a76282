/** Sets of canvas rows as ascending `Int32Array`s. */

/** Rows `start` to `end - 1`. */
export function range(start: number, end: number): Int32Array {
  return Int32Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i);
}

/** Rows in any of `sets`. */
export function union(...sets: readonly ArrayLike<number>[]): Int32Array {
  const all = new Set<number>();
  for (const set of sets) for (let i = 0; i < set.length; i++) all.add(set[i]!);
  return Int32Array.from(all).sort();
}

/** Rows of a canvas of `length` cells that are not in `rows`. */
export function complement(length: number, rows: ArrayLike<number>): Int32Array {
  const isIn = new Uint8Array(length);
  for (let i = 0; i < rows.length; i++) isIn[rows[i]!] = 1;
  return range(0, length).filter((row) => isIn[row] === 0);
}

/** The row of raw logits that predicts each of `rows`: with shifted logits the one before, row 0 for itself. */
export function predictingRows(rows: Int32Array, shift: 0 | 1): Int32Array {
  if (shift === 0) return rows;
  return union(rows.map((row) => Math.max(0, row - shift)));
}
