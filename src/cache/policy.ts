import type { Attention, KvPlan } from "../core/types.ts";
import type { CacheMemory } from "./memory.ts";
import { predictingRows, union } from "./rows.ts";

/** What a policy may look at when it plans a forward. Nothing here may be changed. */
export interface CacheView {
  readonly memory: CacheMemory;
  /** The canvas, `[N]`; where a strategy hides its end from the model, what is left of it. */
  readonly ids: Int32Array;
  readonly maskId: number;
  readonly promptLen: number;
  readonly attention: Attention;
  readonly shift: 0 | 1;
  /** Rows that are or were to be filled, ascending. */
  readonly targets: Int32Array;
  /** Those of the open block. */
  readonly blockRows: Int32Array;
  /** Rows the strategy could choose from in this step. A plan may leave some of them out, never all. */
  readonly eligible: Int32Array;
  /** Rows whose statistics the strategy reads in this step besides those it chooses from. */
  readonly watched: Int32Array;
  /** Forwards the open block has had. */
  readonly stepInBlock: number;
}

/**
 * Decides what a forward computes. A policy keeps no state: everything it remembers is in the memory, so a run can be
 * cloned at any step. Eligible rows that a plan does not compute cannot be chosen in its step.
 *
 * @returns null to compute everything and store nothing
 */
export type CachePolicy = (view: CacheView) => KvPlan | null;

/** Rows that a plan has to compute, so that `rows` and what is watched have statistics of this step. */
export function neededRows({ watched, shift }: CacheView, rows: Int32Array): Int32Array {
  return predictingRows(union(rows, watched), shift);
}

/** A refresh: every row is computed, and the K/V of `kept` rows are stored. */
export function fullForward(length: number, kept: Int32Array): KvPlan {
  return {
    queryRows: Int32Array.from({ length }, (_, row) => row),
    readRows: new Int32Array(0),
    writeRows: kept,
  };
}

/** True when the K/V of every one of `rows` are stored. */
export function areStored({ written }: CacheMemory, rows: Int32Array): boolean {
  return rows.every((row) => written[row]! >= 0);
}
