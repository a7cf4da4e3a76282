import fc from "fast-check";
import { expect, test } from "vitest";
import { isUnmaskError } from "../../core/errors.ts";
import type { GenerateEvent, Trace } from "../../core/events.ts";
import { foldTrace, parseTrace } from "./trace.ts";

const STEP = {
  type: "step",
  step: 0,
  nfe: 1,
  commits: [],
  remasks: [],
  overwrites: [],
  inserts: [],
  deletes: [],
  masksLeft: 0,
} as const satisfies GenerateEvent;

const EVENTS: readonly GenerateEvent[] = [
  { type: "start", canvas: [1, 9, 9, 9], maskId: 9, promptLen: 1, gaps: [[1, 4]], recipe: {}, seed: 0 },
  { type: "forward", step: 0, nfe: 1, rows: 4, kvRows: 0, batch: 1, ms: 2 },
  {
    ...STEP,
    commits: [
      { row: 1, id: 2, conf: 0.5, reason: "quota" },
      { row: 2, id: 3, conf: null, reason: "fill" },
    ],
    remasks: [{ row: 2 }],
    overwrites: [{ row: 1, id: 4 }],
    inserts: [{ at: 3, n: 2 }],
    deletes: [{ at: 5, n: 1 }],
  },
  { type: "done", reason: "complete", nfe: 1, rows: 4, steps: 1, effectiveTokens: 1, tokens: [4] },
];

const TRACE: Trace = {
  schema: 1,
  model: "m",
  recipe: {},
  seed: 0,
  prompt: { text: "a", ids: [1] },
  events: EVENTS,
};

test("folds commits, remasks, overwrites, inserts and deletes in that order", () => {
  expect(foldTrace(EVENTS)).toEqual([
    { position: 0, nfe: 0, ids: [1, 9, 9, 9], masksLeft: 3 },
    { position: 1, nfe: 1, ids: [1, 4, 9, 9, 9], masksLeft: 3 },
  ]);
});

test("a trace parses to itself after a round trip through JSON", () => {
  expect(parseTrace(JSON.parse(JSON.stringify(TRACE)))).toEqual(TRACE);
});

function codeOf(value: unknown): string {
  try {
    parseTrace(value);
    return "accepted";
  } catch (error) {
    if (isUnmaskError(error)) return error.code;
    throw error;
  }
}

const withEvents = (events: readonly unknown[]): unknown => ({ ...TRACE, events });
const [START, , LAST, DONE] = EVENTS;

test.each<[string, unknown]>([
  ["another schema version", { ...TRACE, schema: 2 }],
  ["no events", withEvents([])],
  ["no start", withEvents([DONE])],
  ["no done", withEvents([START])],
  ["two starts", withEvents([START, START, DONE])],
  ["an unknown event", withEvents([START, { type: "boom" }, DONE])],
  ["a row outside", withEvents([START, { ...STEP, remasks: [{ row: 4 }] }, DONE])],
  ["a negative row", withEvents([START, { ...STEP, remasks: [{ row: -1 }] }, DONE])],
  ["a delete past the end", withEvents([START, { ...STEP, deletes: [{ at: 3, n: 2 }] }, DONE])],
  ["a huge insert", withEvents([START, { ...STEP, inserts: [{ at: 0, n: 65_536 }] }, DONE])],
  [
    "an infinite confidence",
    withEvents([START, { ...LAST, commits: [{ row: 1, id: 1, conf: Number.POSITIVE_INFINITY }] }, DONE]),
  ],
  [
    "a canvas that grows and stays",
    withEvents([START, { ...STEP, inserts: [{ at: 0, n: 65_000 }] }, ...new Array(300).fill(STEP), DONE]),
  ],
  [
    "too many frames",
    withEvents([{ ...START, canvas: new Array(60_000).fill(0) }, ...new Array(300).fill(STEP)]),
  ],
])("%s is trace-invalid", (_what, value) => {
  expect(codeOf(value)).toBe("trace-invalid");
});

test("anything at all is accepted or refused with a typed error", () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.anything()), (value) => codeOf(value) === "trace-invalid"),
  );
});
