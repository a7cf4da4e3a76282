import { expect, test } from "vitest";
import type { GenerateEvent } from "../core/events.ts";
import { foldTrace } from "../engine/record/trace.ts";
import { RunLog } from "./run-log.ts";

const MASK = 0;
const quiet = { remasks: [], overwrites: [], inserts: [], deletes: [] };
const commit = (row: number, id: number, conf: number | null = 0.5) => ({
  row,
  id,
  conf,
  reason: "quota" as const,
});

/** Two given rows and three to fill, with every kind of change. */
const EVENTS: readonly GenerateEvent[] = [
  {
    type: "start",
    canvas: [5, 6, MASK, MASK, MASK],
    maskId: MASK,
    promptLen: 2,
    gaps: [[2, 5]],
    recipe: null,
    seed: 0,
    pieces: { 5: "a", 6: " b" },
  },
  {
    type: "step",
    step: 0,
    nfe: 1,
    ...quiet,
    commits: [commit(4, 9, 0.25), commit(3, 8, 0.75)],
    masksLeft: 1,
    ms: 100,
    pieces: { 8: " d", 9: " e" },
  },
  {
    type: "step",
    step: 1,
    nfe: 2,
    ...quiet,
    commits: [commit(2, 7)],
    remasks: [{ row: 3 }],
    masksLeft: 1,
    ms: 200,
    pieces: { 7: " c" },
  },
  { type: "length", step: 2, from: 5, to: 6, why: "test" },
  {
    type: "step",
    step: 2,
    nfe: 3,
    ...quiet,
    commits: [commit(3, 8)],
    overwrites: [{ row: 4, id: 8 }],
    inserts: [{ at: 5, n: 1 }],
    masksLeft: 1,
    ms: 300,
  },
  {
    type: "step",
    step: 3,
    nfe: 4,
    ...quiet,
    commits: [{ row: 5, id: 9, conf: null, reason: "fill" }],
    deletes: [{ at: 4, n: 1 }],
    masksLeft: 0,
    ms: 400,
  },
];

function logOf(events: readonly GenerateEvent[]): RunLog {
  const log = new RunLog();
  for (const event of events) log.push(event);
  return log;
}

test("every step shows the canvas that folding the trace gives", () => {
  const log = logOf(EVENTS);
  for (const { position, ids, masksLeft, nfe } of foldTrace(EVENTS)) {
    const frame = log.frame(position);
    expect(frame?.cells.map(({ id }) => id)).toEqual(ids);
    expect(frame).toMatchObject({ position, masksLeft, nfe });
  }
});

test("looking back does not disturb the newest canvas", () => {
  const log = logOf(EVENTS);
  const before = JSON.stringify(log.frame());
  log.frame(0);
  log.frame(2);
  expect(JSON.stringify(log.frame())).toBe(before);
  expect(log.frame(99)).toBe(log.frame());
});

test("rows of the prompt are given, rows of a gap are not", () => {
  expect(
    logOf(EVENTS)
      .frame(0)
      ?.cells.map(({ given }) => given),
  ).toEqual([true, true, false, false, false]);
});

test("a step is summed up by what the model committed", () => {
  const { steps } = logOf(EVENTS);
  expect(steps.map(({ commits }) => commits)).toEqual([2, 1, 1, 0]);
  expect(steps.map(({ conf }) => conf)).toEqual([0.5, 0.5, 0.5, null]);
  expect(steps.map(({ remasks }) => remasks)).toEqual([0, 1, 0, 0]);
  expect(steps.map(({ lengthChange }) => lengthChange)).toEqual([false, false, true, true]);
});

test("before the start there is no canvas", () => {
  expect(new RunLog().frame()).toBeUndefined();
});

test("tokens that the result calls doubtful are marked in the last canvas alone", () => {
  const done = {
    type: "done",
    reason: "complete",
    nfe: 4,
    rows: 24,
    steps: 4,
    text: "",
    tokens: [],
    effectiveTokens: 0,
  } as const;
  const log = logOf([...EVENTS, { ...done, doubts: [{ row: 3, flip: 1, osc: 1 }] }]);
  expect(
    log
      .frame()
      ?.cells.map(({ wavering }) => wavering)
      .indexOf(true),
  ).toBe(3);
  expect(log.frame(2)?.cells.some(({ wavering }) => wavering)).toBe(false);
});
