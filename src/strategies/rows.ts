import type { RowStats } from "../core/types.ts";
import { FILLED } from "./canvas.ts";
import type { DecodeState } from "./strategy.ts";

/** Lists of canvas rows, ascending. */

/** Where each of `rows` stands in `all`; every one of them must be there. */
export function positionsOf(all: Int32Array, rows: Int32Array): Int32Array {
  const at = new Int32Array(rows.length);
  let r = 0;
  for (let i = 0; i < rows.length; i++) {
    while (all[r]! < rows[i]!) r++;
    at[i] = r;
  }
  return at;
}

/** Those of `rows` that are in `all`. */
export function presentRows(all: Int32Array, rows: Int32Array): Int32Array {
  return rows.filter((row) => positionOf(all, row) >= 0);
}

/** Where `row` stands in `all`, or -1. */
export function positionOf(all: Int32Array, row: number): number {
  let low = 0;
  let high = all.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (all[middle] === row) return middle;
    if (all[middle]! < row) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** Place of a row in the open block, counted in cells to be filled: given cells between two gaps do not count. */
export function placeInBlock({ targets, block }: DecodeState, row: number): number {
  return positionOf(targets, row) - block.start;
}

/** Rows of the open block that hold a token which was not given. */
export function filledInBlock({ canvas, targets, block }: DecodeState): number[] {
  return Array.from(targets.subarray(block.start, block.end)).filter((row) => canvas.kinds[row] === FILLED);
}

/** Probability of the token that was drawn in statistics row `r`: the best one at temperature 0. */
export function sampledProbability(stats: RowStats, r: number): number {
  return Math.exp(stats.sampledLogits[r]! - stats.lse[r]!);
}

/** Probability of the best token of statistics row `r`. */
export function bestProbability(stats: RowStats, r: number): number {
  return Math.exp(stats.topLogits[r * stats.k]! - stats.lse[r]!);
}
