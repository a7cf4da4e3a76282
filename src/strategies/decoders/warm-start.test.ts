import { expect, test } from "vitest";
import type { ForwardRequest } from "../../core/types.ts";
import { continuationCanvas, createCanvas, FILLED, MASKED } from "../canvas.ts";
import { decode, startState } from "../decode.ts";
import { createOracle } from "../oracle/oracle.ts";
import { ORACLE_DEFAULTS } from "../oracle/oracle-logits.ts";
import { runScripted } from "../oracle/run-scripted.ts";
import { placeDraft } from "../pieces/draft.ts";
import type { Settings } from "../recipe/preset.ts";
import { buildStrategy, PRESETS } from "../recipe/presets.ts";
import { seededRng } from "../rng.ts";
import { testSettings } from "../testing/test-settings.ts";
import { type DraftCheck, scepticalReviser } from "./warm-start.ts";

const MASK = ORACLE_DEFAULTS.mask;
const SETTINGS = testSettings(6);

const HINTS = { eos: [], pad: 0, delimiters: [], room: 20 };
const TRAITS = { maskId: MASK, suppress: [MASK], attention: { kind: "full" as const } };

/** How many tokens each step of a preset commits to `length` empty cells, of which a draft that is not believed fills some. */
function paceOf(name: string, drafted: number, settings: Partial<Settings>) {
  const { length } = { ...SETTINGS, ...settings };
  const canvas = continuationCanvas([1, 2], length, MASK);
  placeDraft(canvas, 2, new Int32Array(drafted).fill(7), { share: 1, seed: 0 });
  const built = buildStrategy(PRESETS[name]!, { ...SETTINGS, ...settings }, HINTS);
  const strategy = drafted === 0 ? built : { ...built, reviser: scepticalReviser(1, "seen") };
  const { events } = runScripted(
    decode(strategy, TRAITS, startState(canvas), seededRng(5)),
    createOracle(3, ORACLE_DEFAULTS),
  );
  return events.map(({ commits }) => commits.length);
}

/** A draft in five of six cells behind a prompt of two. */
function play(keep: number, check: DraftCheck) {
  const canvas = createCanvas([1, 2, ...new Array<number>(6).fill(MASK)], [{ start: 2, end: 8 }], MASK);
  for (const [i, id] of [11, 12, 13, 14, 15].entries()) {
    canvas.ids[2 + i] = id;
    canvas.kinds[2 + i] = FILLED;
  }
  const built = buildStrategy(PRESETS["warm-start"]!, SETTINGS, HINTS);
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
  const { events } = runScripted(decode(strategy, TRAITS, state, seededRng(0)), seen);
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

const PLANNING = ["llada", "llada-random", "first-hitting", "dream-origin", "maskgit", "dream-entropy", "pc"];

test.each([...PLANNING, "dream-margin", "learn2pd", "quota-table"])(
  "%s writes cells whose draft was taken back at the pace of cells that had none: one forward more",
  (name) => {
    for (const steps of [20, 8]) {
      const settings = { length: 20, block: 10, steps };
      expect(paceOf(name, 20, settings)).toEqual([0, ...paceOf(name, 0, settings)]);
    }
  },
);

test("a draft in some cells of a block: the steps that are left share what was taken back", () => {
  expect(paceOf("llada", 6, { length: 10, block: 10, steps: 10 })).toEqual(new Array(10).fill(1));
  expect(paceOf("llada", 6, { length: 10, block: 10, steps: 4 })).toEqual([1, 3, 3, 3]);
  expect(paceOf("prophet", 20, { length: 20, block: 10, steps: 20 }).slice(0, 4)).toEqual([0, 1, 1, 1]);
});

test("a decoder with drafts of its own does not take those of the check for them", () => {
  for (const drafted of [6, 3]) {
    const settings = { length: 12, block: 6, steps: 12, threshold: 1 };
    const canvas = continuationCanvas([1, 2], 12, MASK);
    placeDraft(
      canvas,
      2,
      Int32Array.from({ length: drafted }, (_, i) => 11 + i),
      { share: 1, seed: 0 },
    );
    const textOf = (name: string, check: DraftCheck) => {
      const built = buildStrategy(PRESETS[name]!, { ...SETTINGS, ...settings }, HINTS);
      const state = startState(structuredClone(canvas));
      const strategy = { ...built, reviser: scepticalReviser(0.3, check) };
      const oracle = createOracle(3, ORACLE_DEFAULTS);
      const { events } = runScripted(decode(strategy, TRAITS, state, seededRng(0)), oracle);
      for (const { conf } of events.flatMap(({ commits }) => commits)) expect(conf).toBeGreaterThan(0);
      return Array.from(state.canvas.ids);
    };
    for (const check of ["seen", "hidden"] as const) {
      expect(textOf("freedave", check)).toEqual(textOf("llada", check));
    }
  }
});
