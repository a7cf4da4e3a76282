import fc from "fast-check";
import { expect, test } from "vitest";
import { dualCache } from "../cache/frozen.ts";
import { partialCache } from "../cache/partial.ts";
import type { CachePolicy } from "../cache/policy.ts";
import { type Canvas, continuationCanvas, createCanvas, MASKED } from "../strategies/canvas.ts";
import { startState } from "../strategies/decode.ts";
import { createOracle } from "../strategies/oracle/oracle.ts";
import { ORACLE_DEFAULTS } from "../strategies/oracle/oracle-logits.ts";
import type { ModelHints, Settings } from "../strategies/recipe/preset.ts";
import { buildStrategy, PRESETS } from "../strategies/recipe/presets.ts";
import { seededRng } from "../strategies/rng.ts";
import type { ModelTraits } from "../strategies/strategy.ts";
import { testSettings } from "../strategies/testing/test-settings.ts";
import type { ScoreTerm, Search } from "./input.ts";
import { driveSearch, type ScriptedSearch } from "./scripted.ts";
import { openSession, type Session } from "./session.ts";
import { watchingAll } from "./vote.ts";

const MASK = ORACLE_DEFAULTS.mask;
const EOS = 62;
const PAD = 61;
const TRAITS: ModelTraits = { maskId: MASK, suppress: [MASK], attention: { kind: "full" } };
const HINTS: ModelHints = { eos: [EOS], pad: PAD, delimiters: [7], room: 40 };
/** Takes whatever any other takes: KLASS keeps divergences with the model. */
const NAMES = Object.keys(PRESETS).filter((name) => name !== "klass");

interface Scene {
  readonly name: string;
  readonly canvas: Canvas;
  readonly settings: Settings;
  readonly seed: number;
  readonly search: Search;
}

const liked = ({ ids }: Canvas): number => ids.reduce((count, id) => count + (id % 7 === 0 ? 1 : 0), 0);

const term: fc.Arbitrary<ScoreTerm> = fc.record({
  name: fc.constantFrom("confidence", "stability", "likelihood", "custom"),
  weight: fc.constantFrom(1, -0.5),
});
const score = fc.array(term, { minLength: 1, maxLength: 2 });
const small = fc.integer({ min: 1, max: 3 });
const alpha = fc.constantFrom(0, 0.7);
const anySearch: fc.Arbitrary<Search> = fc.oneof(
  fc.record({ method: fc.constant("best-of" as const), n: small, score }),
  fc.record({
    method: fc.constant("zero-order" as const),
    n: small,
    rounds: small,
    share: fc.constantFrom(0.1, 0.5, 1),
    score,
  }),
  fc.record({
    method: fc.constant("paths" as const),
    n: small,
    width: small,
    every: fc.integer({ min: 1, max: 6 }),
    alpha,
    lookahead: fc.boolean(),
    score,
  }),
  fc.record({
    method: fc.constant("svdd" as const),
    n: small,
    every: fc.integer({ min: 1, max: 2 }),
    alpha,
    lookahead: fc.boolean(),
    score,
  }),
  fc.record({
    method: fc.constant("vote" as const),
    answer: fc.constant("x"),
    weights: fc.constantFrom("fixed", "linear", "exponential"),
    rate: fc.constant(1),
  }),
);

function sceneOf(search: fc.Arbitrary<Search>, names = NAMES): fc.Arbitrary<Scene> {
  const given = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 4 });
  return fc
    .record({
      name: fc.constantFrom(...names),
      prompt: given,
      gaps: fc.array(fc.record({ cells: fc.integer({ min: 1, max: 9 }), after: given }), {
        minLength: 1,
        maxLength: 2,
      }),
      block: fc.integer({ min: 1, max: 20 }),
      steps: fc.integer({ min: 1, max: 12 }),
      cfg: fc.constantFrom(0, 0, 1),
      seed: fc.nat(0xffff_ffff),
      search,
    })
    .filter(({ name, search: { method } }) => !(method === "zero-order" && name === "daedal"))
    .map(({ name, prompt, gaps, block, steps, cfg, seed, search: chosen }) => {
      const { continuationOnly, greedy } = PRESETS[name]!;
      const ids = [...prompt];
      const spans = (continuationOnly === true ? gaps.slice(0, 1) : gaps).map(({ cells, after }) => {
        const span = { start: ids.length, end: ids.length + cells };
        ids.push(...new Array<number>(cells).fill(MASK), ...(continuationOnly === true ? [] : after));
        return span;
      });
      const length = spans.reduce((sum, { start, end }) => sum + end - start, 0);
      const settings: Settings = {
        length,
        block: Math.min(block, length),
        steps,
        table: [],
        temperature: greedy === true ? 0 : 1.2,
        topK: 0,
        topP: 1,
        threshold: 0.6,
        factor: 1,
        gamma: 0.3,
        guidance: {
          cfg: PRESETS[name]!.pieces.length > 0 && name !== "freedave" && name !== "wino" ? cfg : 0,
        },
      };
      return { name, canvas: createCanvas(ids, spans, MASK), settings, seed, search: chosen };
    });
}

function run(
  { name, canvas, settings, seed }: Scene,
  search: Search | undefined,
  limit?: number,
  { lanes = 1, cache }: { readonly lanes?: number; readonly cache?: CachePolicy | undefined } = {},
): ScriptedSearch & { readonly session: Session } {
  const built = {
    ...buildStrategy(PRESETS[name]!, settings, HINTS),
    ...(cache === undefined ? {} : { cache }),
  };
  const strategy = search?.method === "vote" ? watchingAll(built) : built;
  const start = startState(structuredClone(canvas));
  const setting = { strategy, traits: TRAITS, start, seed, rngOf: seededRng, blank: [EOS, PAD] };
  const session = openSession(setting, lanes);
  const oracle = createOracle(seed, { ...ORACLE_DEFAULTS, specials: [[EOS, 0, 999, 20]] });
  return { ...driveSearch(search, session, oracle, liked, limit), session };
}

function fold(canvas: Canvas, events: ScriptedSearch["events"]): number[] {
  const ids = Array.from(canvas.ids);
  for (const event of events) {
    if (event.type === "length") continue;
    for (const { row, id } of event.commits) ids[row] = id;
    for (const { row } of event.remasks) ids[row] = MASK;
    for (const { row, id } of event.overwrites) ids[row] = id;
    for (const { at, n } of event.inserts) ids.splice(at, 0, ...new Array<number>(n).fill(MASK));
    for (const { at, n } of event.deletes) ids.splice(at, n);
    expect(ids.filter((id) => id === MASK)).toHaveLength(event.masksLeft);
  }
  return ids;
}

/** A step of a path is told when the path is chosen, so more forwards may have been counted. */
const bare = (events: ScriptedSearch["events"]): object[] =>
  events.map((event) => ({ ...event, candidate: undefined, nfe: undefined }));

test("the events of any search fold to its best text, which is finished and keeps what was given", () => {
  fc.assert(
    fc.property(sceneOf(anySearch), (scene) => {
      const { events, outcome, session, forwards } = run(scene, scene.search);
      const { best, candidates } = outcome!.report!;
      expect(fold(scene.canvas, events)).toEqual(Array.from(session.shown.ids));
      expect(session.shown.ids).toEqual(candidates[best]!.canvas.ids);
      expect(session.shown.kinds.includes(MASKED)).toBe(false);
      expect(candidates.every((one) => one.score <= candidates[best]!.score)).toBe(true);
      expect(session.nfe).toBe(forwards);
      for (const [row, kind] of scene.canvas.kinds.entries()) {
        if (kind !== MASKED) expect(session.shown.ids[row]).toBe(scene.canvas.ids[row]);
      }
      for (const [i, event] of events.filter(({ type }) => type === "step").entries()) {
        expect(event.step).toBe(i);
      }
    }),
    { numRuns: 150 },
  );
});

test("the same seed gives the same search", () => {
  fc.assert(
    fc.property(sceneOf(anySearch), (scene) => {
      const [first, second] = [run(scene, scene.search), run(scene, scene.search)];
      expect(second.events).toEqual(first.events);
      expect(second.outcome).toEqual(first.outcome);
    }),
    { numRuns: 25 },
  );
});

test("a search that is left at any forward has told a valid canvas", () => {
  fc.assert(
    fc.property(sceneOf(anySearch), fc.nat(30), (scene, limit) => {
      const { events, session } = run(scene, scene.search, limit);
      expect(fold(scene.canvas, events)).toEqual(Array.from(session.shown.ids));
      for (const [row, kind] of session.shown.kinds.entries()) {
        expect(kind === MASKED).toBe(session.shown.ids[row] === MASK);
      }
    }),
    { numRuns: 40 },
  );
});

const ofOne: fc.Arbitrary<Search> = fc.constantFrom(
  { method: "best-of", n: 1, score: [{ name: "custom", weight: 1 }] },
  { method: "svdd", n: 1, every: 1, alpha: 0, lookahead: false, score: [{ name: "custom", weight: 1 }] },
  {
    method: "paths",
    n: 1,
    width: 3,
    every: 2,
    alpha: 1,
    lookahead: false,
    score: [{ name: "confidence", weight: 1 }],
  },
);

test("P11: a search for one text is the plain run", () => {
  fc.assert(
    fc.property(sceneOf(ofOne), (scene) => {
      const plain = run(scene, undefined);
      const one = run(scene, scene.search);
      expect(bare(one.events)).toEqual(bare(plain.events));
      expect(one.session.nfe).toBe(plain.session.nfe);
      expect(one.session.rows).toBe(plain.session.rows);
      expect(plain.outcome!.report).toBeNull();
    }),
    { numRuns: 60 },
  );
});

test("more texts never lower the best score, and more rounds neither", () => {
  const bestScore = (scene: Scene, search: Search): number => {
    const { best, candidates } = run(scene, search).outcome!.report!;
    return candidates[best]!.score;
  };
  fc.assert(
    fc.property(sceneOf(anySearch, ["llada", "fast-dllm", "maskgit", "remdm"]), score, (scene, terms) => {
      const bestOf = [1, 2, 4].map((n) => bestScore(scene, { method: "best-of", n, score: terms }));
      expect(bestOf).toEqual(bestOf.toSorted((a, b) => a - b));
      const zero = [1, 2].map((rounds) =>
        bestScore(scene, { method: "zero-order", n: 2, rounds, share: 0.5, score: terms }),
      );
      expect(zero).toEqual(zero.toSorted((a, b) => a - b));
    }),
    { numRuns: 20 },
  );
});

test("svdd draws a step from one forward, and more draws are worth more", () => {
  const settings: Settings = testSettings(24, { steps: 12, temperature: 2 });
  const canvas = continuationCanvas([1, 2], 24, MASK);
  const custom: readonly ScoreTerm[] = [{ name: "custom", weight: 1 }];
  const worth = (n: number): number => {
    let sum = 0;
    for (let seed = 0; seed < 8; seed++) {
      const search: Search = { method: "svdd", n, every: 1, alpha: 0, lookahead: false, score: custom };
      const { session } = run({ name: "llada", canvas, settings, seed, search }, search);
      expect(session.nfe).toBe(12);
      sum += liked(session.shown);
    }
    return sum / 8;
  };
  const values = [1, 2, 4, 8].map(worth);
  expect(values).toEqual(values.toSorted((a, b) => a - b));
  expect(values[3]!).toBeGreaterThan(values[0]! + 2);
});

test("a lookahead costs at most one forward for each way that is not finished", () => {
  const scene = fc.sample(sceneOf(anySearch, ["llada"]), { numRuns: 1, seed: 3 })[0]!;
  const score: readonly ScoreTerm[] = [{ name: "custom", weight: 1 }];
  const search: Search = { method: "svdd", n: 3, every: 1, alpha: 0, lookahead: true, score };
  const settings = { ...scene.settings, steps: scene.settings.length, guidance: { cfg: 0 } };
  const { session } = run({ ...scene, settings }, search);
  const steps = settings.length;
  expect(steps).toBeGreaterThan(2);
  expect(session.nfe).toBeGreaterThan(steps);
  // A step may share the forward of the lookahead that chose it.
  expect(session.nfe).toBeLessThanOrEqual(steps + 3 * (steps - 1));
});

const writing: fc.Arbitrary<Search> = anySearch.filter(
  ({ method }) => method === "best-of" || method === "zero-order",
);

/** Forwards of the others are counted before a step is told. */
function expectSame(scene: Scene, lanes: number, cache?: CachePolicy): void {
  const alone = run(scene, scene.search, undefined, { cache });
  const together = run(scene, scene.search, undefined, { lanes, cache });
  const told = ({ events }: ScriptedSearch): object[] =>
    events.map((event) => ({ ...event, nfe: undefined }));
  expect(told(together)).toEqual(told(alone));
  expect(together.outcome).toEqual(alone.outcome);
  for (const key of ["nfe", "branchNfe", "rows", "step"] as const) {
    expect(together.session[key]).toBe(alone.session[key]);
  }
  expect(together.forwards).toBe(alone.forwards);
}

test("texts side by side are told, scored and counted as one after the other", () => {
  fc.assert(
    fc.property(sceneOf(writing), fc.integer({ min: 2, max: 4 }), (scene, lanes) => expectSame(scene, lanes)),
    { numRuns: 80 },
  );
});

test("texts side by side read what is stored of each", () => {
  const policy = fc.constantFrom(
    dualCache(0),
    dualCache(3),
    partialCache({ promptEvery: 9, answerEvery: 4, share: 0.25 }),
  );
  const plain = sceneOf(writing, ["llada", "fast-dllm", "maskgit"]);
  fc.assert(
    fc.property(plain, policy, (scene, cache) => expectSame(scene, 3, cache)),
    { numRuns: 30 },
  );
});

test("a search that is left with texts side by side has told a valid canvas", () => {
  fc.assert(
    fc.property(sceneOf(writing), fc.nat(30), (scene, limit) => {
      const { events, session } = run(scene, scene.search, limit, { lanes: 3 });
      expect(fold(scene.canvas, events)).toEqual(Array.from(session.shown.ids));
    }),
    { numRuns: 30 },
  );
});
