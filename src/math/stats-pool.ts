import type { RowStats, SignalRequest } from "../core/types.ts";
import { allocateRowStats } from "./row-stats.ts";

/** Room for the statistics of a forward that the next one uses again: steps of a block ask for the same shapes. */
export interface StatsPool {
  /** A forward begins: what was taken for the one before may be taken again. */
  reclaim(): void;
  /** Room for `rows`, filled with anything. Until `reclaim` it belongs to whoever took it. */
  take(rows: Int32Array, signals: SignalRequest): RowStats;
}

interface Room {
  readonly shape: readonly number[];
  readonly stats: RowStats;
}

export function createStatsPool(): StatsPool {
  const rooms: Room[] = [];
  let taken = 0;
  return {
    reclaim() {
      rooms.length = taken;
      taken = 0;
    },
    take(rows, signals) {
      const shape = shapeOf(rows, signals);
      const at = taken++;
      const known = rooms[at];
      const isSame = known?.shape.every((size, i) => size === shape[i]) === true;
      if (!isSame) rooms[at] = { shape, stats: allocateRowStats(rows, signals) };
      return { ...rooms[at]!.stats, rows };
    },
  };
}

/** Everything that the arrays' lengths depend on. */
function shapeOf({ length }: Int32Array, signals: SignalRequest): readonly number[] {
  const { topK, entropy, current, probe, gather, klPrevious, tempered } = signals;
  const parts = [entropy, current, klPrevious !== undefined, tempered === true].map(Number);
  return [length, topK, probe.length, gather === undefined ? -1 : gather.width, ...parts];
}
