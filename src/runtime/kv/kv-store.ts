import { createSlots, type RowCopy } from "../../cache/slots.ts";
import type { OrtTensor } from "../ort/ort.ts";
import type { KvBuffers } from "./kv-buffers.ts";

/** Cached keys and values as inputs of the graph. */
export interface KvPast {
  readonly feeds: Readonly<Record<string, OrtTensor>>;
  /** The canvas row of each key, in the order the graph meets them. */
  readonly order: Int32Array;
  /** Grows whenever the numbers of a past of the same length may be others than before. */
  readonly version: number;
}

/** Cached keys and values of one canvas, addressed by canvas row. */
export interface KvStore {
  has(row: number): boolean;
  clear(): void;
  /** The K/V of `rows`. */
  past(rows: Int32Array): KvPast;
  /**
   * Stores new K/V.
   *
   * @param fresh outputs of the graph
   * @param queryRows the canvas rows of the outputs' rows, from row `first` of theirs on
   * @param writeRows those of `queryRows` to store
   */
  store(queryRows: Int32Array, writeRows: Int32Array, fresh: readonly OrtTensor[], first?: number): void;
  /** Frees the buffers. */
  dispose(): void;
}

export function createKvStore(buffers: KvBuffers): KvStore {
  const slots = createSlots();
  let version = 0;
  /** Slots that the last past showed. */
  let shown = 0;
  return {
    has: slots.has,
    clear: () => {
      version++;
      slots.clear();
    },
    past(rows) {
      const swaps = slots.arrange(rows);
      if (swaps.length > 0) version++;
      buffers.swap(swaps);
      shown = rows.length;
      const order = rows.map((_, slot) => slots.rowAt(slot));
      return { feeds: buffers.tensors(rows.length), order, version };
    },
    store(queryRows, writeRows, fresh, first = 0) {
      const copies = slots.store(queryRows, writeRows);
      if (copies.some(({ to }) => to < shown)) version++;
      buffers.reserve(slots.size);
      buffers.copyIn(fresh, first === 0 ? copies : copies.map((copy) => later(copy, first)));
    },
    dispose() {
      slots.clear();
      buffers.dispose();
    },
  };
}

function later(copy: RowCopy, first: number): RowCopy {
  return { ...copy, from: copy.from + first };
}
