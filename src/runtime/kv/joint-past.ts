import type { OrtTensor } from "../ort/ort.ts";
import type { KvBuffers } from "./kv-buffers.ts";
import type { KvPast } from "./kv-store.ts";

/** Cached keys and values of several canvases side by side, for a run of all of them. */
export interface JointPast {
  /** @param pasts of equal lengths, one a canvas */
  join(pasts: readonly KvPast[]): Readonly<Record<string, OrtTensor>>;
  dispose(): void;
}

/**
 * A graph wants `[B, P, width]` without gaps, and P changes with what a forward reads; so the rows are copied out of the
 * stores, once for as long as the stores show the same, which within a block they do.
 *
 * @param names inputs of the graph, in the order of the buffers
 */
export function createJointPast(buffers: KvBuffers, names: readonly string[]): JointPast {
  let joined: readonly KvPast[] = [];
  return {
    join(pasts) {
      const count = pasts[0]!.order.length;
      const size = count * pasts.length;
      const isJoined =
        joined.length === pasts.length &&
        pasts.every(({ feeds, version }, i) => feeds === joined[i]!.feeds && version === joined[i]!.version);
      if (!isJoined) {
        // What is there is no longer wanted, and growing would copy it.
        joined = [];
        buffers.reserve(size);
        for (const [at, { feeds }] of pasts.entries()) {
          const rows = names.map((name) => feeds[name]!); // a past has every input
          buffers.copyIn(rows, [{ from: 0, to: at * count, count }]);
        }
        joined = pasts;
      }
      return buffers.tensors(size, pasts.length);
    },
    dispose() {
      joined = [];
      buffers.dispose();
    },
  };
}
