import { expect, test } from "vitest";
import type { ForwardRequest } from "../../core/types.ts";
import { createCanvas, FILLED, MASKED } from "../canvas.ts";
import { decode, startState } from "../decode.ts";
import { createOracle } from "../oracle.ts";
import { ORACLE_DEFAULTS } from "../oracle-logits.ts";
import { buildStrategy, PRESETS } from "../presets.ts";
import { seededRng } from "../rng.ts";
import { runScripted } from "../run-scripted.ts";
import { type DraftCheck, scepticalReviser } from "./warm-start.ts";

const MASK = ORACLE_DEFAULTS.mask;
const SETTINGS = {
  length: 6,
  block: 6,
  steps: 6,
  table: [],
  temperature: 0,
  topK: 0,
  topP: 1,
  threshold: 0.9,
  factor: 1,
  gamma: 0.1,
  guidance: { cfg: 0 },
};

/** A draft in five of six cells behind a prompt of two. */
function play(keep: number, check: DraftCheck) {
  const canvas = createCanvas([1, 2, ...new Array<number>(6).fill(MASK)], [{ start: 2, end: 8 }], MASK);
  for (const [i, id] of [11, 12, 13, 14, 15].entries()) {
    canvas.ids[2 + i] = id;
    canvas.kinds[2 + i] = FILLED;
  }
  const built = buildStrategy(PRESETS["warm-start"]!, SETTINGS, { eos: [], pad: 0, delimiters: [], room: 6 });
  const strategy = { ...built, reviser: scepticalReviser(keep, check) };
  const state = startState(canvas);
  const requests: ForwardRequest[] = [];
  const oracle = createOracle(3, ORACLE_DEFAULTS);
  const seen = {
    ...oracle,
    forward: (request: ForwardRequest) => {
      requests.push(request);
      return oracle.forward(request);
    },
  };
  const traits = { maskId: MASK, suppress: [MASK], attention: { kind: "full" as const } };
  const { events } = runScripted(decode(strategy, traits, state, seededRng(0)), seen);
  return { requests, events, state };
}

test("a hidden token is judged with its cell masked and its neighbours in sight, once", () => {
  const { requests, state } = play(0.3, "hidden");
  const [first, ...later] = requests;
  expect(first!.drafts!.map(({ canvas }) => Array.from(canvas.subarray(2)))).toEqual([
    [MASK, 12, MASK, 14, MASK, MASK],
    [11, MASK, 13, MASK, 15, MASK],
  ]);
  expect(first!.drafts!.map(({ gather }) => Array.from(gather!))).toEqual([
    [11, 13, 15],
    [12, 14],
  ]);
  expect(later.every(({ drafts }) => drafts === undefined)).toBe(true);
  expect(state.canvas.kinds.includes(MASKED)).toBe(false);
  expect(state.branchNfe).toBe(requests.length + 2);
});

test("what is taken back is what the masked canvases give less than `keep`", () => {
  const { requests, events } = play(0.3, "hidden");
  const stats = createOracle(3, ORACLE_DEFAULTS).forward(requests[0]!);
  const doubted = stats.drafts!.flatMap(({ rows, gatherLogits, lse }) =>
    Array.from(rows).filter((_row, r) => Math.exp(gatherLogits![r]! - lse[r]!) < 0.3),
  );
  expect(doubted.length).toBeGreaterThan(0);
  expect(events[0]!.remasks.map(({ row }) => row)).toEqual(doubted.sort((a, b) => a - b));
});

test("a draft that is trusted needs no further canvas, whatever the check", () => {
  for (const check of ["seen", "hidden"] as const) {
    const { requests, events } = play(0, check);
    expect(requests[0]!.drafts).toBeUndefined();
    expect(events[0]!.remasks).toEqual([]);
  }
});
