import { createSlots } from "../cache/slots.ts";
import type { KvBuffers } from "./kv-buffers.ts";
import type { OrtTensor } from "./ort.ts";

/** Cached keys and values of one canvas, addressed by canvas row. */
export interface KvStore {
  has(row: number): boolean;
  clear(): void;
  /**
   * The K/V of `rows` as inputs of the graph.
   *
   * @returns `order` names the canvas row of each key, in the order the graph meets them
   */
  past(rows: Int32Array): {
    readonly feeds: Readonly<Record<string, OrtTensor>>;
    readonly order: Int32Array;
  };
  /**
   * Stores new K/V.
   *
   * @param fresh outputs of the graph, a row for each of `queryRows`
   * @param writeRows those of `queryRows` to store
   */
  store(queryRows: Int32Array, writeRows: Int32Array, fresh: readonly OrtTensor[]): void;
  /** Frees the buffers. */
  dispose(): void;
}

export function createKvStore(buffers: KvBuffers): KvStore {
  const slots = createSlots();
  return {
    has: slots.has,
    clear: slots.clear,
    past(rows) {
      buffers.swap(slots.arrange(rows));
      return { feeds: buffers.tensors(rows.length), order: rows.map((_, slot) => slots.rowAt(slot)) };
    },
    store(queryRows, writeRows, fresh) {
      const copies = slots.store(queryRows, writeRows);
      buffers.reserve(slots.size);
      buffers.copyIn(fresh, copies);
    },
    dispose() {
      slots.clear();
      buffers.dispose();
    },
  };
}
