import { expect, test } from "vitest";
import type { RowStats, SignalRequest } from "../core/types.ts";
import { createStatsPool } from "./stats-pool.ts";

const SIGNALS: SignalRequest = { topK: 2, entropy: true, current: false, probe: [1] };
const ROWS = Int32Array.of(3, 4);

/** The arrays of a record, without its rows. */
const roomOf = ({ rows: _rows, k: _k, ...arrays }: RowStats): unknown[] => Object.values(arrays);

test("a forward of the same shapes gets the room of the one before", () => {
  const pool = createStatsPool();
  const first = [pool.take(ROWS, SIGNALS), pool.take(ROWS, SIGNALS)];
  expect(roomOf(first[0]!).some((array) => roomOf(first[1]!).includes(array))).toBe(false);
  pool.reclaim();
  for (const [at, earlier] of first.entries()) {
    const other = Int32Array.of(5, 9 + at);
    const again = pool.take(other, SIGNALS);
    expect(again.rows).toBe(other);
    expect(roomOf(again)).toHaveLength(roomOf(earlier).length);
    for (const [i, array] of roomOf(again).entries()) expect(array).toBe(roomOf(earlier)[i]);
  }
});

test.each<[string, Int32Array, Partial<SignalRequest>]>([
  ["more rows", Int32Array.of(1, 2, 3), {}],
  ["more ids", ROWS, { topK: 3 }],
  ["no entropy", ROWS, { entropy: false }],
  ["current logits", ROWS, { current: true }],
  ["more probes", ROWS, { probe: [1, 2] }],
  ["gathered ids", ROWS, { gather: { width: 1, ids: ROWS } }],
  ["divergence", ROWS, { klPrevious: "first" }],
  ["tempered statistics", ROWS, { tempered: true }],
])("%s need other room, of the right size", (_what, rows, more) => {
  const pool = createStatsPool();
  const earlier = pool.take(ROWS, SIGNALS);
  pool.reclaim();
  const signals = { ...SIGNALS, ...more };
  const stats = pool.take(rows, signals);
  expect(stats.topIds).not.toBe(earlier.topIds);
  expect(stats.topIds).toHaveLength(rows.length * signals.topK);
  expect(stats.entropy?.length).toBe(signals.entropy ? rows.length : undefined);
  expect(stats.currentLogits?.length).toBe(signals.current ? rows.length : undefined);
  expect(stats.probeLogits).toHaveLength(rows.length * signals.probe.length);
  expect(stats.gatherLogits?.length).toBe(signals.gather === undefined ? undefined : rows.length);
  expect(stats.klPrevious?.length).toBe(signals.klPrevious === undefined ? undefined : rows.length);
  expect(stats.temperedLse?.length).toBe(signals.tempered === true ? rows.length : undefined);
});

test("room that a forward did not need is let go", () => {
  const pool = createStatsPool();
  const [, second] = [pool.take(ROWS, SIGNALS), pool.take(ROWS, SIGNALS)];
  pool.reclaim();
  pool.take(ROWS, SIGNALS);
  pool.reclaim();
  pool.take(ROWS, SIGNALS);
  expect(pool.take(ROWS, SIGNALS).topIds).not.toBe(second!.topIds);
});
