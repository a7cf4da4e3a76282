import type { KvPlan } from "../core/types.ts";

/**
 * What a policy knows about the K/V that are stored, and about past forwards. Plain data, part of the decode state: the
 * numbers themselves are with the denoiser. All arrays have the length of the canvas.
 */
export interface CacheMemory {
  /** The token that stood in each cell when its K/V were stored; -1: nothing is stored. */
  written: Int32Array;
  /** Forwards since each row was last computed. */
  age: Int32Array;
  /** Probability of the best token when the row was last asked for; NaN: never. */
  confidence: Float64Array;
  /** Cached forwards so far. */
  forwards: number;
  /** Cached forwards since the last one that computed every row; none yet: infinite. */
  sinceFull: number;
}

export function emptyMemory(length: number): CacheMemory {
  return {
    written: new Int32Array(length).fill(-1),
    age: new Int32Array(length),
    confidence: new Float64Array(length).fill(Number.NaN),
    forwards: 0,
    sinceFull: Number.POSITIVE_INFINITY,
  };
}

/** Forgets what is stored, for instance because the denoiser was replaced: the next plan starts anew. */
export function forgetStored(memory: CacheMemory): void {
  memory.written.fill(-1);
  memory.sinceFull = Number.POSITIVE_INFINITY;
}

/** Takes note of a forward over the canvas `ids`. */
export function recordForward(memory: CacheMemory, plan: KvPlan, ids: Int32Array): void {
  if (plan.readRows.length === 0) memory.written.fill(-1);
  for (let row = 0; row < memory.age.length; row++) memory.age[row]!++;
  for (const row of plan.queryRows) memory.age[row] = 0;
  for (const row of plan.writeRows) memory.written[row] = ids[row]!;
  memory.forwards++;
  memory.sinceFull = plan.queryRows.length === ids.length ? 0 : memory.sinceFull + 1;
}

/** Takes note of how sure the model was of each of `rows`. */
export function recordConfidence(memory: CacheMemory, rows: Int32Array, probabilities: Float64Array): void {
  rows.forEach((row, i) => {
    memory.confidence[row] = probabilities[i]!;
  });
}

/** What a step did to the canvas beyond filling masks, in the order it was applied. */
export interface CanvasEdits {
  readonly remasks: readonly { readonly row: number }[];
  readonly overwrites: readonly { readonly row: number }[];
  readonly inserts: readonly { readonly at: number; readonly n: number }[];
  readonly deletes: readonly { readonly at: number; readonly n: number }[];
}

/**
 * Drops what the edits of a step made wrong: the K/V of every row from an insertion or deletion on, whose position
 * changed, and those of revised rows. Rows that only lost a mask keep theirs: a policy decides how long.
 */
export function recordEdits(memory: CacheMemory, edits: CanvasEdits): void {
  const { remasks, overwrites, inserts, deletes } = edits;
  for (const { row } of [...remasks, ...overwrites]) memory.written[row] = -1;
  for (const { at, n } of inserts) resize(memory, at, 0, n);
  for (const { at, n } of deletes) resize(memory, at, n, 0);
}

function resize(memory: CacheMemory, at: number, removed: number, added: number): void {
  const spliced = <T extends Int32Array | Float64Array>(values: T, made: T): T => {
    made.set(values.subarray(0, at));
    made.set(values.subarray(at + removed), at + added);
    return made;
  };
  const length = memory.written.length - removed + added;
  memory.age = spliced(memory.age, new Int32Array(length));
  memory.confidence = spliced(memory.confidence, new Float64Array(length).fill(Number.NaN));
  memory.written = spliced(memory.written, new Int32Array(length)).fill(-1, at);
}
