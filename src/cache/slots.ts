import { UnmaskError } from "../core/errors.ts";

/** `count` rows from slot (or forward row) `from` to slot `to`. */
export interface RowCopy {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/**
 * Where the K/V of each canvas row stand in a store. A graph takes its past as the first P rows of a buffer, so the rows
 * of a forward must be brought there; their order does not matter. Pure: the caller moves the numbers.
 */
export interface Slots {
  /** Slots in use: `0 .. size - 1`. */
  readonly size: number;
  has(row: number): boolean;
  /** Canvas row in each used slot. */
  rowAt(slot: number): number;
  clear(): void;
  /**
   * Brings `rows` into the first `rows.length` slots.
   *
   * @returns exchanges of equal ranges, to be carried out in order; `from` and `to` never overlap
   * @throws UnmaskError `internal` when one of `rows` is not stored
   */
  arrange(rows: Int32Array): readonly RowCopy[];
  /**
   * Gives every written row a slot: the one it has, else a new one at the end.
   *
   * @param queryRows rows of the forward in its order
   * @returns copies from rows of the forward (`from` counts its rows) to slots
   */
  store(queryRows: Int32Array, writeRows: Int32Array): readonly RowCopy[];
}

export function createSlots(): Slots {
  const rows: number[] = [];
  const slots = new Map<number, number>();
  return {
    get size() {
      return rows.length;
    },
    has: (row) => slots.has(row),
    rowAt: (slot) => rows[slot]!,
    clear() {
      rows.length = 0;
      slots.clear();
    },
    arrange(wanted) {
      const isWanted = new Set(wanted);
      const swaps: RowCopy[] = [];
      let from = wanted.length;
      for (let to = 0; to < wanted.length; to++) {
        if (isWanted.has(rows[to]!)) continue;
        while (from < rows.length && !isWanted.has(rows[from]!)) from++;
        if (from >= rows.length) throw new UnmaskError("internal", "A row is read that is not stored.");
        const [a, b] = [rows[from]!, rows[to]!];
        rows[to] = a;
        rows[from] = b;
        slots.set(a, to);
        slots.set(b, from);
        append(swaps, from, to);
      }
      return swaps;
    },
    store(queryRows, writeRows) {
      const isWritten = new Set(writeRows);
      const copies: RowCopy[] = [];
      queryRows.forEach((row, from) => {
        if (!isWritten.has(row)) return;
        const slot = slots.get(row) ?? rows.length;
        rows[slot] = row;
        slots.set(row, slot);
        append(copies, from, slot);
      });
      return copies;
    },
  };
}

/** Adds one row to the copies, in the last range when it continues both sides. */
function append(copies: RowCopy[], from: number, to: number): void {
  const last = copies.at(-1);
  if (last !== undefined && last.from + last.count === from && last.to + last.count === to) {
    copies[copies.length - 1] = { ...last, count: last.count + 1 };
  } else copies.push({ from, to, count: 1 });
}
