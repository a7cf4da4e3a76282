import type { ForwardRequest, RowStats } from "../../core/types.ts";
import { createDivergenceTracker } from "../../math/divergence.ts";
import { createGuide } from "../../math/guidance.ts";
import { reduceRows } from "../../math/row-stats.ts";
import { createStatsPool } from "../../math/stats-pool.ts";
import type { LogitsOutput } from "./session.ts";

/** Turns logits into row statistics. Two implementations: this one on the CPU, and the WGSL kernel (gpu-rows.ts). */
export interface RowReducer {
  /** Rows of logits that can be reduced at once. */
  readonly maxRows: number;
  /** A forward begins: the answers to the one before are no longer looked at, and their arrays are used again. */
  begin(): void;
  /** @param outputs one per canvas of the request, rows in the order of `request.rows` */
  reduce(outputs: readonly LogitsOutput[], request: ForwardRequest): Promise<RowStats>;
  dispose(): void;
}

/** The reference: everything is read back and reduced in JavaScript. */
export function createCpuRows(vocab: number): RowReducer {
  const divergence = createDivergenceTracker(vocab);
  const guide = createGuide(vocab);
  const pool = createStatsPool();
  return {
    maxRows: Number.POSITIVE_INFINITY,
    begin: pool.reclaim,
    async reduce(outputs, request) {
      const logits = await outputs[0]!.read();
      const agreement = guide.apply(logits, await outputs[1]?.read(), request);
      const stats = pool.take(request.rows, request.signals);
      reduceRows(logits, vocab, request.canvases[0]!, request.signals, request.suppress, stats);
      const { klPrevious } = request.signals;
      if (klPrevious !== undefined) {
        divergence.track(request.rows, logits, stats.lse, klPrevious, stats.klPrevious!);
      }
      return agreement === undefined ? stats : { ...stats, agreement };
    },
    dispose() {},
  };
}
