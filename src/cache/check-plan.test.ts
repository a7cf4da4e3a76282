import { expect, test } from "vitest";
import type { ForwardRequest, KvPlan } from "../core/types.ts";
import { checkPlan } from "./check-plan.ts";

const rows = (...list: readonly number[]) => Int32Array.from(list);
const PLAN: KvPlan = { queryRows: rows(2, 3), readRows: rows(0, 1, 4), writeRows: rows(3) };

/** The complaint about a request over five cells of which rows 0, 1 and 4 are stored; "" when there is none. */
function complaint(change: Partial<ForwardRequest>, shift: 0 | 1 = 0): string {
  const request: ForwardRequest = {
    canvases: [rows(1, 2, 3, 4, 5)],
    rows: rows(3),
    attention: { kind: "full" },
    guidance: { kind: "none" },
    signals: { topK: 1, entropy: false, current: false, probe: [] },
    suppress: [],
    kv: PLAN,
    promptLen: 0,
    ...change,
  };
  try {
    checkPlan(request, shift, (row) => row < 2 || row === 4);
    return "";
  } catch (error) {
    expect(error).toMatchObject({ code: "internal" });
    return String(error);
  }
}

test("a plan that fits is accepted", () => {
  expect(complaint({})).toBe("");
  expect(complaint({ kv: null, rows: rows(0) })).toBe("");
  expect(complaint({ rows: rows(2, 3) }, 0)).toBe("");
  expect(complaint({ drafts: [{ canvas: rows(1, 2, 3, 4, 5), rows: rows(3) }] })).toBe("");
});

test.each<[string, Partial<ForwardRequest>, RegExp]>([
  ["asks for a row that is not computed", { rows: rows(1, 3) }, /row 1 is asked for/],
  ["reads what it computes", { kv: { ...PLAN, readRows: rows(0, 2) } }, /reads a row that it computes/],
  ["stores what it does not compute", { kv: { ...PLAN, writeRows: rows(1) } }, /stores a row/],
  [
    "reads what is not stored",
    { kv: { ...PLAN, queryRows: rows(3), readRows: rows(0, 2) } },
    /row 2 is read/,
  ],
  ["computes nothing", { kv: { ...PLAN, queryRows: rows(), writeRows: rows() }, rows: rows() }, /nothing/],
  ["lists rows out of order", { kv: { ...PLAN, queryRows: rows(3, 2) } }, /do not ascend/],
  ["leaves the canvas", { kv: { ...PLAN, queryRows: rows(2, 3, 5) } }, /do not ascend/],
  [
    "drafts what it does not compute",
    { drafts: [{ canvas: rows(1, 2, 3, 4, 5), rows: rows(0) }] },
    /row 0 is asked for in a draft/,
  ],
])("a plan that %s is refused", (_what, change, why) => {
  expect(complaint(change)).toMatch(why);
});

test("shifted logits come from the row before", () => {
  expect(complaint({ rows: rows(3) }, 1)).toBe("");
  expect(complaint({ rows: rows(2) }, 1)).toMatch(/row 1 is asked for/);
});
