import { expect, test } from "vitest";
import { emptyMemory, recordEdits, recordForward } from "./memory.ts";
import { fullForward } from "./policy.ts";
import { range } from "./rows.ts";

const NOTHING = { remasks: [], overwrites: [], inserts: [], deletes: [] };

/** A memory after a forward over ids 10 to 15 that stored everything. */
function filled() {
  const memory = emptyMemory(6);
  const ids = range(10, 16);
  recordForward(memory, fullForward(6, range(0, 6)), ids);
  return { memory, ids };
}

test("revised rows lose what was stored for them", () => {
  const { memory } = filled();
  recordEdits(memory, { ...NOTHING, remasks: [{ row: 1 }], overwrites: [{ row: 4 }] });
  expect([...memory.written]).toEqual([10, -1, 12, 13, -1, 15]);
});

test("insertions and deletions drop every row from there on, and the arrays follow the canvas", () => {
  const { memory } = filled();
  recordEdits(memory, { ...NOTHING, inserts: [{ at: 4, n: 2 }] });
  expect([...memory.written]).toEqual([10, 11, 12, 13, -1, -1, -1, -1]);
  recordEdits(memory, { ...NOTHING, deletes: [{ at: 2, n: 5 }] });
  expect([...memory.written]).toEqual([10, 11, -1]);
  expect([memory.age.length, memory.confidence.length]).toEqual([3, 3]);
});

test("a truncation keeps the rows before it", () => {
  const { memory } = filled();
  recordEdits(memory, { ...NOTHING, deletes: [{ at: 3, n: 3 }] });
  expect([...memory.written]).toEqual([10, 11, 12]);
});

test("ages count the forwards since a row was computed", () => {
  const { memory, ids } = filled();
  const plan = { queryRows: range(2, 4), readRows: Int32Array.of(0, 1, 4, 5), writeRows: range(2, 3) };
  ids[2] = 99;
  ids[3] = 98;
  recordForward(memory, plan, ids);
  expect([...memory.age]).toEqual([1, 1, 0, 0, 1, 1]);
  expect([...memory.written]).toEqual([10, 11, 99, 13, 14, 15]);
  expect([memory.forwards, memory.sinceFull]).toEqual([2, 1]);
});

test("a plan that reads nothing begins a new store", () => {
  const { memory, ids } = filled();
  recordForward(memory, { queryRows: range(0, 2), readRows: range(0, 0), writeRows: range(0, 1) }, ids);
  expect([...memory.written]).toEqual([10, -1, -1, -1, -1, -1]);
});
