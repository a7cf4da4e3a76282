import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CacheInput, resolveCache } from "../../cache/choice.ts";
import { composeCache } from "../../cache/compose.ts";
import { emptyMemory } from "../../cache/memory.ts";
import type { Attention, ForwardRequest } from "../../core/types.ts";
import type { CommitFilter } from "../../model/commit-filter.ts";
import { gridBlocks } from "../blocks.ts";
import { type Canvas, createCanvas, GIVEN } from "../canvas.ts";
import { type DecodeOutput, decode, startState } from "../decode.ts";
import { createOracle } from "../oracle/oracle.ts";
import { ORACLE_DEFAULTS } from "../oracle/oracle-logits.ts";
import type { GuidanceSettings, ModelHints, Settings } from "../recipe/preset.ts";
import { buildStrategy, PRESETS } from "../recipe/presets.ts";
import { seededRng } from "../rng.ts";
import type { ModelTraits } from "../strategy.ts";
import { withPoison } from "../testing/poison.ts";
import { testSettings } from "../testing/test-settings.ts";

const MASK = ORACLE_DEFAULTS.mask;

/** Accepts a cell whose neighbour to the left is sure. */
const FILTER: CommitFilter = {
  size: 8,
  w1: Array.from({ length: 8 }, (_, i) => Array.from({ length: 8 }, (_, j) => (i === j ? 1 : 0))),
  b1: new Array(8).fill(0),
  w2: Array.from({ length: 8 }, (_, i) => Array.from({ length: 8 }, (_, j) => (i === j + 1 ? 9 : 0))),
  b2: new Array(8).fill(-4),
};
const HINTS: ModelHints = { eos: [], pad: 61, delimiters: [7], room: 60, filter: FILTER };
const SETTINGS: Settings = testSettings(8, { block: 4, threshold: 0.6, gamma: 0.3 });

/** Whether the composition rules let a preset and a cache meet. */
function isAllowed(
  { preset, guidance }: Scene,
  cache: CacheInput,
  attention: Attention = { kind: "full" },
): boolean {
  const { demands } = buildStrategy(PRESETS[preset]!, SETTINGS, HINTS);
  const skipsBranch = guidance.adaptive !== undefined || guidance.residual !== undefined;
  try {
    composeCache(resolveCache(cache), attention, { ...demands, skipsBranch });
    return true;
  } catch {
    return false;
  }
}

interface Scene {
  readonly canvas: Canvas;
  readonly block: number;
  readonly shift: 0 | 1;
  readonly preset: string;
  readonly guidance: GuidanceSettings;
  readonly seed: number;
  readonly temperature: number;
}

const given = fc.array(fc.integer({ min: 0, max: 61 }), { maxLength: 7 });
const NAMES = Object.keys(PRESETS);

/** Scenes of these presets; those that change the length get a continuation, the others gaps. */
const sceneOf = (presets: readonly string[]): fc.Arbitrary<Scene> =>
  fc
    .record({
      prompt: given,
      gaps: fc.array(fc.record({ cells: fc.integer({ min: 1, max: 14 }), after: given }), {
        minLength: 1,
        maxLength: 3,
      }),
      block: fc.integer({ min: 1, max: 16 }),
      shift: fc.constantFrom(0, 1),
      preset: fc.constantFrom(...presets),
      guidance: fc.constantFrom<GuidanceSettings>(
        { cfg: 0 },
        { cfg: 0 },
        { cfg: 1 },
        { cfg: 1, adaptive: { cosine: 0.2, steps: 1 } },
        { cfg: 1, residual: { every: 3, decay: 0.8 } },
      ),
      seed: fc.nat(0xffff_ffff),
      temperature: fc.constantFrom(0, 0.8),
    })
    .map(({ prompt, gaps, ...rest }) => {
      const ids = [...prompt];
      const isOpen = PRESETS[rest.preset]!.continuationOnly === true;
      const spans = gaps.slice(0, isOpen ? 1 : gaps.length).map(({ cells, after }) => {
        const span = { start: ids.length, end: ids.length + cells };
        ids.push(...new Array<number>(cells).fill(MASK), ...(isOpen ? [] : after));
        return span;
      });
      return { ...rest, canvas: createCanvas(ids, spans, MASK) };
    });

/** Block-causal models: no preset there changes where rows stand. */
const scene = sceneOf(NAMES.filter((name) => PRESETS[name]!.continuationOnly !== true));

/** Runs a property for every preset that may meet a cache, and says how many there were. */
function forEveryPreset(cache: CacheInput, numRuns: number, property: (input: Scene) => void): number {
  let met = 0;
  for (const name of NAMES) {
    let runs = 0;
    fc.assert(
      fc.property(sceneOf([name]), (input) => {
        if (!isAllowed(input, cache)) return;
        runs++;
        property(input);
      }),
      { numRuns },
    );
    if (runs > 0) met++;
  }
  return met;
}

/** The events of a run, its forwards, and how many rows were read with a token they no longer have. */
function run(input: Scene, cache: CacheInput, attention: Attention = { kind: "full" }) {
  const { canvas, block, shift, preset, guidance, seed, temperature } = input;
  const state = startState(structuredClone(canvas));
  const length = state.targets.length;
  const steps = Math.ceil(length / 2);
  const settings: Settings = { ...SETTINGS, length, block, steps, temperature, guidance };
  const built = buildStrategy(PRESETS[preset]!, settings, HINTS);
  const policy = composeCache(resolveCache(cache), attention, built.demands);
  const strategy = {
    ...built,
    ...(policy === undefined ? {} : { cache: policy }),
    ...(attention.kind === "full" ? {} : { blocks: gridBlocks(block, attention) }),
  };
  const traits: ModelTraits = { maskId: MASK, suppress: [MASK], attention, logitsShift: shift };
  const oracle = createOracle(seed, { ...ORACLE_DEFAULTS, shift });
  const decoder = decode(strategy, traits, state, seededRng(seed));
  const done: DecodeOutput[] = [];
  const requests: ForwardRequest[] = [];
  let stale = 0;
  let turn = decoder.next();
  while (turn.done !== true) {
    if (turn.value.type === "step") {
      done.push(turn.value);
      turn = decoder.next(undefined);
      continue;
    }
    if (turn.value.type === "length") {
      turn = decoder.next(undefined);
      continue;
    }
    const { request } = turn.value;
    requests.push(request);
    const stats = withPoison(oracle.forward(request)); // throws when the plan cannot be carried out
    stale += oracle.seen.reduce((sum, { staleRows }) => sum + staleRows.length, 0);
    turn = decoder.next(stats);
  }
  return { steps: done, requests, stale, state, verdict: turn.value };
}

const APPROXIMATE: readonly CacheInput[] = [
  "free",
  "prefix",
  "dual",
  { ...resolveCache("dual"), refresh: 3 } as CacheInput,
  { policy: "vicinity", refresh: 2, warmup: 1, before: 2, after: 3 },
  "suffix-drop",
  { policy: "partial", promptEvery: 5, answerEvery: 3, share: 0.3 },
  { policy: "region", share: 0.3, dense: 1, every: 4, starvation: 0.5 },
];
const NAMED = APPROXIMATE.map((cache) => [JSON.stringify(cache), cache] as const);

describe.each(NAMED)("%s", (_name, cache) => {
  test("P18: every preset fills every mask, reads no row whose token changed and only chooses from rows of the same step", () => {
    const met = forEveryPreset(cache, 6, (input) => {
      const { state, verdict, requests, steps, stale } = run(input, cache);
      expect(verdict).toBe("complete");
      expect(state.canvas.ids.includes(MASK)).toBe(false);
      expect(stale).toBe(0);
      const kept = ({ ids, kinds, slots }: Canvas) =>
        Array.from(kinds.keys())
          .filter((row) => kinds[row] === GIVEN)
          .map((row) => [slots[row], ids[row]]);
      expect(kept(state.canvas)).toEqual(kept(input.canvas));
      if (PRESETS[input.preset]!.continuationOnly === true) return; // its steps and forwards do not pair up
      steps.forEach((step, i) => {
        const { kv, rows } = requests[i]!;
        const chosen = step.type === "step" ? step.commits.map(({ row }) => row) : [];
        expect(chosen.every((row) => rows.includes(row))).toBe(true);
        if (kv === null) return;
        const computed = new Set(kv.queryRows);
        expect(chosen.every((row) => computed.has(Math.max(0, row - input.shift)))).toBe(true);
      });
    });
    expect(met).toBeGreaterThan(NAMES.length / 2);
  });
});

const WHOLE = 65_536;
test.each<CacheInput>([
  { policy: "prefix", refresh: 1 },
  { policy: "dual", refresh: 1 },
  { policy: "vicinity", refresh: 1, warmup: 0, before: 0, after: 0 },
  { policy: "vicinity", refresh: 0, warmup: 0, before: WHOLE, after: WHOLE },
  { policy: "suffix-drop", ahead: WHOLE },
  { policy: "partial", promptEvery: 1, answerEvery: 1, share: 0 },
  { policy: "region", share: 1, dense: 1, every: WHOLE, starvation: 0 },
])("P13: a refresh in every step is no cache, for every preset: %j", (cache) => {
  const met = forEveryPreset(cache, 5, (input) => {
    const cached = run(input, cache);
    expect(cached.steps).toEqual(run(input, "none").steps);
    expect(cached.stale).toBe(0);
  });
  expect(met).toBeGreaterThan(NAMES.length / 2);
});

test("one block that is the whole generation: prefix keeps the prompt, and nothing else", () => {
  const promptCache: CacheInput = { policy: "partial", promptEvery: WHOLE, answerEvery: 1, share: 0 };
  let kept = 0;
  fc.assert(
    fc.property(scene, fc.constantFrom("llada", "fast-dllm", "maskgit"), (any, preset) => {
      const input: Scene = { ...any, preset, block: 64, shift: 0, guidance: { cfg: 1 } };
      const prefix = run(input, "prefix");
      const expected = run(input, promptCache);
      expect(prefix.steps).toEqual(expected.steps);
      const all = input.canvas.ids.map((_, row) => row);
      const computed = ({ requests }: typeof prefix) => requests.map(({ kv }) => kv?.queryRows ?? all);
      expect(computed(prefix)).toEqual(computed(expected));
      kept += prefix.requests.filter(({ kv }) => (kv?.readRows.length ?? 0) > 0).length;
    }),
    { numRuns: 30 },
  );
  expect(kept).toBeGreaterThan(0);
});

const grid: fc.Arbitrary<Attention> = fc.record({
  kind: fc.constant("block-causal" as const),
  block: fc.integer({ min: 1, max: 12 }),
  align: fc.constantFrom("absolute", "prompt-end"),
});

test("block K/V give the events of the full block-causal forward, bit for bit, with fewer rows", () => {
  let [cachedRows, allRows] = [0, 0];
  fc.assert(
    fc.property(scene, grid, (input, attention) => {
      fc.pre(isAllowed(input, "block", attention));
      const cached = run(input, "block", attention);
      const full = run(input, "none", attention);
      expect(cached.steps).toEqual(full.steps);
      expect(cached.stale).toBe(0);
      expect(cached.state.nfe).toBe(full.state.nfe);
      cachedRows += cached.state.rows;
      allRows += full.state.rows;
    }),
    { numRuns: 200 },
  );
  expect(cachedRows).toBeLessThan(0.5 * allRows);
});

test("a canvas that changes its length keeps what is stored before the change", () => {
  let reused = 0;
  fc.assert(
    fc.property(given, fc.nat(0xffff_ffff), fc.constantFrom(0, 1), (prompt, seed, shift) => {
      const canvas = createCanvas(
        [...prompt, ...new Array(24).fill(MASK)],
        [{ start: prompt.length, end: prompt.length + 24 }],
        MASK,
      );
      const input: Scene = {
        canvas,
        block: 8,
        shift,
        preset: "daedal",
        guidance: { cfg: 0 },
        seed,
        temperature: 0,
      };
      const { verdict, stale, requests, state } = run(input, "prefix");
      expect(verdict).toBe("complete");
      expect(state.canvas.ids.includes(MASK)).toBe(false);
      expect(stale).toBe(0);
      reused += requests.filter(({ kv }) => kv !== null && kv.readRows.length > 0).length;
    }),
    { numRuns: 60 },
  );
  expect(reused).toBeGreaterThan(0);
});

test.each<CacheInput>(["prefix", "dual"])(
  "a forward that has to compute every row leaves the %s cache of a branch that it skips alone",
  (cache) => {
    const canvas = createCanvas([0, ...new Array(7).fill(MASK)], [{ start: 1, end: 8 }], MASK);
    const input: Scene = {
      canvas,
      block: 7,
      shift: 1, // the row of the prompt predicts the first cell, so it is computed while that is a mask
      preset: "llada-random",
      guidance: { cfg: 1, residual: { every: 3, decay: 0.8 } },
      seed: 605833641,
      temperature: 0,
    };
    const { stale, verdict } = run(input, cache);
    expect(verdict).toBe("complete");
    expect(stale).toBe(0);
  },
);

test("dual computes the block alone between refreshes, prefix what follows too", () => {
  const canvas = createCanvas([1, 2, ...new Array(8).fill(MASK)], [{ start: 2, end: 10 }], MASK);
  const input: Scene = {
    canvas,
    block: 4,
    shift: 0,
    preset: "llada",
    guidance: { cfg: 0 },
    seed: 3,
    temperature: 0,
  };
  const spans = (cache: CacheInput) =>
    run(input, cache).requests.map(({ kv }) => `${kv!.queryRows[0]}-${kv!.queryRows.at(-1)}`);
  expect(spans("dual")).toEqual(["0-9", "2-5", "0-9", "6-9"]);
  expect(spans("prefix")).toEqual(["0-9", "2-9", "0-9", "6-9"]);
});

test("without eligible rows block K/V ask for nothing", () => {
  const attention: Attention = { kind: "block-causal", block: 4, align: "absolute" };
  const policy = composeCache({ policy: "block" }, attention)!;
  const none = new Int32Array(0);
  const ids = Int32Array.of(1, 2);
  const rows = { targets: none, blockRows: none, eligible: none, watched: none };
  const view = { memory: emptyMemory(2), ids, maskId: MASK, promptLen: 2, attention, shift: 0 as const };
  expect(policy({ ...view, ...rows, stepInBlock: 0 })).toBeNull();
});
