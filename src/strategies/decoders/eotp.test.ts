import { expect, test } from "vitest";
import type { Commit } from "../../core/events.ts";
import { continuationCanvas } from "../canvas.ts";
import { startState } from "../decode.ts";
import type { Step } from "../strategy.ts";
import { type EotpOptions, eotpControl } from "./eotp.ts";

const EOS = 62;
const GUARDED: EotpOptions = {
  eosIds: [EOS],
  minConf: 0.9,
  notBefore: "block-end",
  minTokens: 0,
  scope: "canvas",
};

/** Eight cells in blocks of four, the first open; `ends` maps a row to the probability of an end predicted there. */
function cut(options: EotpOptions, ends: Readonly<Record<number, number>>, commits: readonly Commit[] = []) {
  const state = { ...startState(continuationCanvas([], 8, 63)), block: { start: 0, end: 4 } };
  const rows = Int32Array.from({ length: 8 }, (_, row) => row);
  const stats = {
    rows,
    k: 1,
    lse: new Float64Array(8),
    topIds: Int32Array.from(rows, (row) => (ends[row] === undefined ? 5 : EOS)),
    topLogits: Float64Array.from(rows, (row) => Math.log(ends[row] ?? 0.99)),
  };
  const edit = eotpControl(options).edit({ state, stats } as unknown as Step, commits); // all it looks at
  return edit?.deletes[0]?.at;
}

test("an end is believed behind the open block, from a probability on", () => {
  expect(cut(GUARDED, { 2: 0.99 })).toBeUndefined();
  expect(cut(GUARDED, { 2: 0.99, 5: 0.95, 6: 0.97 })).toBe(7);
  expect(cut(GUARDED, { 5: 0.8 })).toBeUndefined();
  expect(cut({ ...GUARDED, notBefore: "start" }, { 2: 0.99, 5: 0.95 })).toBe(3);
});

test("an end that the filter accepted is believed inside the block, one of the quota is not", () => {
  const end: Commit = { row: 2, id: EOS, conf: 0.5, reason: "filter" };
  expect(cut(GUARDED, { 2: 0.5 }, [end])).toBe(3);
  expect(cut(GUARDED, { 2: 0.5 }, [{ ...end, reason: "quota" }])).toBeUndefined();
});

test("an end that a decoder is sure of is believed inside the block if it is probable enough", () => {
  const end: Commit = { row: 2, id: EOS, conf: 0.95, reason: "threshold" };
  expect(cut(GUARDED, { 2: 0.95 }, [end])).toBe(3);
  expect(cut(GUARDED, { 2: 0.5 }, [end])).toBeUndefined();
  expect(cut(GUARDED, { 2: 0.95 }, [{ ...end, reason: "best" }])).toBeUndefined();
});

test("a guard may ask for an end that was accepted", () => {
  const careful: EotpOptions = { ...GUARDED, requireAccepted: true };
  const end: Commit = { row: 2, id: EOS, conf: 0.95, reason: "filter" };
  expect(cut(careful, { 6: 0.99 })).toBeUndefined();
  expect(cut({ ...careful, notBefore: "start" }, { 2: 0.99 })).toBeUndefined();
  expect(cut(careful, { 2: 0.95, 6: 0.99 }, [end])).toBe(3);
});

test("what is not asked for is looked at where it is answered", () => {
  expect(cut({ ...GUARDED, scope: "block" }, { 5: 0.95 })).toBe(6);
});

test("the least number of cells is kept", () => {
  const end: Commit = { row: 2, id: EOS, conf: 0.5, reason: "filter" };
  expect(cut({ ...GUARDED, minTokens: 4 }, {}, [end])).toBeUndefined();
  expect(cut({ ...GUARDED, minTokens: 3 }, {}, [end])).toBe(3);
  expect(cut({ ...GUARDED, minTokens: 7 }, { 5: 0.99 })).toBeUndefined();
  expect(cut({ ...GUARDED, minTokens: 6 }, { 5: 0.99 })).toBe(6);
});
