import type { Attention, KvPlan } from "../core/types.ts";
import type { CacheMemory } from "./memory.ts";

/** What a policy may look at when it plans a forward. Nothing here may be changed. */
export interface CacheView {
  readonly memory: CacheMemory;
  /** The canvas, `[N]`. */
  readonly ids: Int32Array;
  readonly maskId: number;
  readonly promptLen: number;
  readonly attention: Attention;
  readonly shift: 0 | 1;
  /** Rows that are or were to be filled, ascending. */
  readonly targets: Int32Array;
  /** Those of the open block. */
  readonly blockRows: Int32Array;
  /** Rows the strategy could choose from in this step. */
  readonly eligible: Int32Array;
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
