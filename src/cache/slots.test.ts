import fc from "fast-check";
import { expect, test } from "vitest";
import { createSlots } from "./slots.ts";

/** A store of one number a row, moved as a slot map says. */
function createShelf() {
  const slots = createSlots();
  const values: number[] = [];
  return {
    slots,
    values,
    write(query: Int32Array, written: Int32Array, numberOf: (row: number) => number): void {
      for (const { from, to, count } of slots.store(query, written)) {
        for (let i = 0; i < count; i++) values[to + i] = numberOf(query[from + i]!);
      }
    },
    arrange(rows: Int32Array): void {
      for (const { from, to, count } of slots.arrange(rows)) {
        for (let i = 0; i < count; i++) {
          [values[from + i], values[to + i]] = [values[to + i]!, values[from + i]!];
        }
      }
    },
  };
}

const subset = fc
  .uniqueArray(fc.nat(30), { minLength: 1, maxLength: 20 })
  .map((rows) => Int32Array.from(rows).sort());

test("wanted rows come first, and every row keeps its newest numbers", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ query: subset, wanted: subset }), { maxLength: 8 }), (turns) => {
      const shelf = createShelf();
      const newest = new Map<number, number>();
      turns.forEach(({ query, wanted }, turn) => {
        const written = query.filter((row) => row % 3 !== turn % 3);
        shelf.write(query, written, (row) => 100 * turn + row);
        for (const row of written) newest.set(row, 100 * turn + row);
        const rows = wanted.filter((row) => newest.has(row));
        shelf.arrange(rows);
        expect(shelf.slots.size).toBe(newest.size);
        const first = Array.from(rows, (_, slot) => shelf.slots.rowAt(slot)).sort((a, b) => a - b);
        expect(first).toEqual([...rows]);
        for (let slot = 0; slot < newest.size; slot++) {
          expect(shelf.values[slot]).toBe(newest.get(shelf.slots.rowAt(slot)));
        }
      });
    }),
  );
});

test("neighbouring rows move together", () => {
  const slots = createSlots();
  const all = Int32Array.from({ length: 10 }, (_, i) => i);
  expect(slots.store(all, all)).toEqual([{ from: 0, to: 0, count: 10 }]);
  const sides = all.filter((row) => row < 2 || row >= 6);
  expect(slots.arrange(sides)).toEqual([{ from: 6, to: 2, count: 4 }]);
  expect(slots.arrange(sides)).toEqual([]);
});

test("a row that is not stored cannot be brought forward", () => {
  expect(() => createSlots().arrange(Int32Array.of(0))).toThrow(/not stored/);
});
