import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ForwardRequest, RowStats } from "../core/types.ts";
import { createDivergenceTracker } from "../math/divergence.ts";
import { draftRequest } from "../math/drafts.ts";
import { applyGuidance } from "../math/guidance.ts";
import { allocateRowStats, reduceRows } from "../math/row-stats.ts";
import { fixedBlocks } from "./blocks.ts";
import { type Canvas, createCanvas } from "./canvas.ts";
import { decode, type StepEvent, startState } from "./decode.ts";
import { adaptiveBlocks } from "./decoders/adablock.ts";
import { creditSampler } from "./decoders/credit.ts";
import { daedal } from "./decoders/daedal.ts";
import { entropyBoundSelector } from "./decoders/entropy-bound.ts";
import { eotpControl } from "./decoders/eotp.ts";
import { factorSelector } from "./decoders/factor.ts";
import { freeDave } from "./decoders/freedave.ts";
import { hierarchySelector } from "./decoders/hierarchy.ts";
import { klassSelector } from "./decoders/klass.ts";
import { learn2pdSelector } from "./decoders/learn2pd.ts";
import { localLeapSelector } from "./decoders/local-leap.ts";
import { overwriteReviser } from "./decoders/overwrite.ts";
import { positionCalibratedScorer } from "./decoders/pc-sampler.ts";
import { prophetStop } from "./decoders/prophet.ts";
import { remaskLoop } from "./decoders/remask-loop.ts";
import { tokenEditReviser } from "./decoders/token-edit.ts";
import { wino } from "./decoders/wino.ts";
import { cfgGuidance } from "./guidance.ts";
import { createOracle, type Oracle } from "./oracle.ts";
import { ORACLE_DEFAULTS, type OracleParameters, oracleLogits } from "./oracle-logits.ts";
import type { ModelHints, Settings } from "./preset.ts";
import { buildStrategy, PRESETS } from "./presets.ts";
import { seededRng } from "./rng.ts";
import { runScripted } from "./run-scripted.ts";
import { gumbelSampler } from "./sampler.ts";
import { entropyScorer, probabilityScorer } from "./scorer.ts";
import { quotaSelector, thresholdSelector } from "./selector.ts";
import type { ModelTraits, Selector, Strategy } from "./strategy.ts";

/** P10 to P12 and P20 of the strategies note, section 12: knobs, degenerate settings, token names, approximations. */

const MASK = ORACLE_DEFAULTS.mask;
const EOS = 62;
const PAD = 61;
const DELIMITER = 7;
const TRAITS: ModelTraits = { maskId: MASK, suppress: [MASK], attention: { kind: "full" } };
const HINTS: ModelHints = { eos: [EOS], pad: PAD, delimiters: [DELIMITER], room: 48 };

interface Scene {
  readonly canvas: Canvas;
  readonly block: number;
  readonly seed: number;
  readonly oracle: OracleParameters;
}

const given = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 4 });
const scene: fc.Arbitrary<Scene> = fc
  .record({
    prompt: given,
    gaps: fc.array(fc.record({ cells: fc.integer({ min: 1, max: 12 }), after: given }), {
      minLength: 1,
      maxLength: 2,
    }),
    block: fc.integer({ min: 1, max: 24 }),
    base: fc.integer({ min: -160, max: 200 }),
    spread: fc.integer({ min: 0, max: 256 }),
    eosRate: fc.constantFrom(0, 30),
    seed: fc.nat(0xffff_ffff),
  })
  .map(({ prompt, gaps, block, base, spread, eosRate, seed }) => {
    const ids = [...prompt];
    const spans = gaps.map(({ cells, after }) => {
      const span = { start: ids.length, end: ids.length + cells };
      ids.push(...new Array<number>(cells).fill(MASK), ...after);
      return span;
    });
    const oracle = { ...ORACLE_DEFAULTS, base, spread, specials: [[EOS, 0, 999, eosRate]] as const };
    return { canvas: createCanvas(ids, spans, MASK), block, seed, oracle };
  });

/** A continuation: what presets that change the length take. */
function continued({ canvas, ...rest }: Scene): Scene {
  const start = canvas.promptLen;
  const ids = Array.from(canvas.ids.subarray(0, start));
  const cells = canvas.kinds.filter((kind) => kind === 1).length;
  const span = { start, end: start + cells };
  return { ...rest, canvas: createCanvas([...ids, ...new Array<number>(cells).fill(MASK)], [span], MASK) };
}

function run({ canvas, seed, oracle }: Scene, strategy: Strategy, model?: Oracle): StepEvent[] {
  const state = startState(structuredClone(canvas));
  const decoder = decode(strategy, TRAITS, state, seededRng(seed));
  return runScripted(decoder, model ?? createOracle(seed, oracle)).events;
}

function settingsOf({ canvas, block }: Scene, changed: Partial<Settings>): Settings {
  const length = canvas.kinds.filter((kind) => kind === 1).length;
  return {
    length,
    block: Math.min(block, length),
    steps: length,
    table: [],
    temperature: 0,
    topK: 0,
    topP: 1,
    threshold: 0.7,
    factor: 1,
    gamma: 0.3,
    guidance: { cfg: 0 },
    ...changed,
  };
}

/** Rows that the first step with a choice commits. */
function firstChoice(events: readonly StepEvent[]): number[] {
  const chosen = events.map(({ commits }) => commits.filter(({ reason }) => reason !== "fill"));
  return (chosen.find((commits) => commits.length > 0) ?? []).map(({ row }) => row);
}

describe.each(
  Object.keys(PRESETS).flatMap((name) =>
    (["threshold", "factor", "gamma"] as const)
      .filter((knob) => PRESETS[name]!.keys.includes(knob))
      .map((knob) => [name, knob] as const),
  ),
)("P10: %s", (name, knob) => {
  test(`a bolder ${knob} commits all that a more careful one does, from the same statistics`, () => {
    const value = fc.double({ min: 0, max: knob === "threshold" ? 1 : 3, noNaN: true });
    fc.assert(
      fc.property(scene, value, value, (any, a, b) => {
        const input = PRESETS[name]!.continuationOnly === true ? continued(any) : any;
        const rows = (setting: number): number[] =>
          firstChoice(
            run(input, buildStrategy(PRESETS[name]!, settingsOf(input, { [knob]: setting }), HINTS)),
          );
        const [low, high] = [rows(Math.min(a, b)), rows(Math.max(a, b))];
        const [bold, careful] = knob === "threshold" ? [low, high] : [high, low];
        expect(careful.length).toBeGreaterThan(0);
        expect(careful.filter((row) => !bold.includes(row))).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });
});

type Pieces = { readonly selector: Selector } & Partial<Strategy>;

const plain = (pieces: Pieces, block: number): Strategy => ({
  blocks: fixedBlocks(block),
  sampler: gumbelSampler({ temperature: 0, topK: 0, topP: 1 }),
  scorer: probabilityScorer,
  guidance: { kind: "none" },
  ...pieces,
});

const oneByOne = (cells: number): Selector => quotaSelector({ steps: cells, keepZeroSteps: false });
const TAU = 0.7;
const threshold = (): Pieces => ({ selector: thresholdSelector(TAU) });
const NOTHING_FILTER = { size: 24, w1: [], b1: [], w2: new Array(24).fill([]), b2: new Array(24).fill(-1e9) };

/** [what, pieces, the same as]; each gets the number of cells and the block. */
const DEGENERATE: readonly (readonly [
  string,
  (cells: number, block: number) => Pieces,
  (cells: number) => Pieces,
])[] = [
  ["a threshold above 1 is one token a step", () => ({ selector: thresholdSelector(1.01) }), one],
  ["a factor of 0 is one token a step", () => ({ selector: factorSelector({ factor: 0 }) }), one],
  [
    "an entropy bound of 0 is one token a step",
    () => ({ selector: entropyBoundSelector(0), scorer: entropyScorer }),
    (cells) => ({ selector: oneByOne(cells), scorer: entropyScorer }),
  ],
  [
    "KLASS without divergence allowed is LLaDA",
    (cells) => ({
      selector: klassSelector({ threshold: 0, divergence: 0, history: 2, plan: oneByOne(cells).plan! }),
    }),
    one,
  ],
  [
    "CreditDecoding with alpha 0 is the threshold",
    () => ({ ...threshold(), sampler: creditSampler({ alpha: 0, gamma: 0.2, decay: 0.8 }) }),
    threshold,
  ],
  [
    "LocalLeap of radius 0 is the threshold",
    () => ({ selector: localLeapSelector({ threshold: TAU, relaxed: 0, radius: 0 }) }),
    threshold,
  ],
  [
    "LocalLeap without relaxation is the threshold",
    () => ({ selector: localLeapSelector({ threshold: TAU, relaxed: TAU, radius: 4 }) }),
    threshold,
  ],
  [
    "hierarchy that never splits is the threshold",
    () => ({ selector: hierarchySelector({ threshold: TAU, low: 1 }) }),
    threshold,
  ],
  ["FreeDave without drafts is one token a step", () => freeDave({ drafts: 1, threshold: 1.01 }), one],
  [
    "ReDiff that never starts is the threshold",
    () => ({
      ...threshold(),
      reviser: overwriteReviser({ steps: 999, share: 0, top: 1, confidence: 0, most: 9, suppress: [] }),
    }),
    threshold,
  ],
  [
    "token editing that is never sure enough is the threshold",
    () => ({ ...threshold(), reviser: tokenEditReviser({ threshold: 1, postSteps: 0 }) }),
    threshold,
  ],
  [
    "WINO that takes nothing back is its own draft rule",
    () => wino({ threshold: TAU, back: 0 }),
    () => ({ selector: wino({ threshold: TAU, back: 0 }).selector }),
  ],
  [
    "remasking without loops is one token a step",
    () => remaskLoop({ filled: (cells) => cells, tokens: 1, loops: 0 }),
    one,
  ],
  [
    "Prophet that is never sure enough is its quota",
    (cells) => {
      const never = Number.POSITIVE_INFINITY;
      return {
        selector: oneByOne(cells),
        stop: prophetStop({ steps: cells, gaps: [never, never, never] }),
      };
    },
    one,
  ],
  [
    "AdaBlock that believes no delimiter has fixed blocks",
    (_cells, block) => ({
      ...threshold(),
      blocks: adaptiveBlocks({ size: block, delimiters: [DELIMITER], threshold: 2 }),
    }),
    threshold,
  ],
  [
    "Learn2PD with a filter that accepts nothing is LLaDA",
    (cells) => ({
      selector: learn2pdSelector({ filter: NOTHING_FILTER, threshold: 0.5, plan: oneByOne(cells).plan! }),
    }),
    one,
  ],
  [
    "PC-Sampler without decay, where all tokens are as common, ranks by probability",
    (cells) => ({
      selector: oneByOne(cells),
      scorer: positionCalibratedScorer({ lambda: 0, alpha: 1e9, frequency: new Array(64).fill(1 / 64) }),
    }),
    one,
  ],
  ["guidance of 0 is none", () => ({ ...threshold(), guidance: cfgGuidance(0) }), threshold],
];

function one(cells: number): Pieces {
  return { selector: oneByOne(cells) };
}

/** What a step does, without the reason it gives. */
const deeds = (events: readonly StepEvent[]): object[] =>
  events.map(({ commits, remasks, overwrites, nfe, masksLeft }) => ({
    commits: commits.map(({ row, id }) => [row, id]),
    remasks,
    overwrites,
    nfe,
    masksLeft,
  }));

test.each(DEGENERATE)("P11: %s", (_what, special, base) => {
  fc.assert(
    fc.property(scene, (input) => {
      const cells = input.canvas.kinds.filter((kind) => kind === 1).length;
      const block = Math.min(input.block, cells);
      const [made, wanted] = [plain(special(cells, block), block), plain(base(cells), block)];
      expect(deeds(run(input, made))).toEqual(deeds(run(input, wanted)));
    }),
    { numRuns: 30 },
  );
});

test("P11: end-of-text prediction that needs more than certainty, and DAEDAL that may not grow, change nothing", () => {
  const never = {
    endIds: [EOS, PAD],
    maxLength: 1,
    block: 8,
    high: TAU,
    low: 0.1,
    factor: 8,
    startEos: 0,
    growEos: 0,
    window: 32,
  };
  fc.assert(
    fc.property(scene, (any) => {
      const input = continued(any);
      const cells = input.canvas.kinds.filter((kind) => kind === 1).length;
      const wanted = deeds(run(input, plain(threshold(), cells)));
      const eotp = eotpControl({
        eosIds: [EOS],
        minConf: 1.01,
        notBefore: "start",
        minTokens: 0,
        scope: "canvas",
      });
      expect(deeds(run(input, plain({ ...threshold(), length: eotp }, cells)))).toEqual(wanted);
      const { selector, length, blocks } = daedal({ ...never, block: cells });
      const { prepare: _, ...grows } = length;
      expect(deeds(run(input, plain({ selector, length: grows, blocks }, cells)))).toEqual(wanted);
    }),
    { numRuns: 30 },
  );
});

test("P11: a threshold of 0 takes one step a block, and PC-Sampler with a steep decay goes left to right", () => {
  fc.assert(
    fc.property(scene, (input) => {
      const cells = input.canvas.kinds.filter((kind) => kind === 1).length;
      const events = run(input, plain({ selector: thresholdSelector(0) }, input.block));
      expect(events).toHaveLength(Math.ceil(cells / input.block));
      const frequency = new Array<number>(64).fill(1 / 64);
      const scorer = positionCalibratedScorer({ lambda: 20, alpha: 10, frequency });
      const rows = run(input, plain({ selector: oneByOne(cells), scorer }, Math.min(cells, 16))).flatMap(
        ({ commits }) => commits.map(({ row }) => row),
      );
      expect(rows).toEqual(rows.toSorted((a, b) => a - b));
    }),
    { numRuns: 30 },
  );
});

/** The scripted model after its tokens were given other names: `renamed[id]` is the new id. */
function renamedOracle({ seed, oracle: parameters }: Scene, renamed: readonly number[]): Oracle {
  const { V } = parameters;
  const original = new Int32Array(V);
  for (const [id, to] of renamed.entries()) original[to] = id;
  const divergence = createDivergenceTracker(V);
  const logitsOf = (canvas: Int32Array, rows: Int32Array): Float32Array => {
    const before = canvas.map((id) => original[id]!);
    const logits = new Float32Array(rows.length * V);
    const row = new Float32Array(V);
    for (const [r, at] of rows.entries()) {
      oracleLogits(seed, before, at, parameters, row);
      for (let id = 0; id < V; id++) logits[r * V + renamed[id]!] = row[id]!;
    }
    return logits;
  };
  const answer = (request: ForwardRequest): RowStats => {
    const { rows, canvases, signals, guidance, suppress, drafts } = request;
    const [logits, other] = canvases.map((canvas) => logitsOf(canvas, rows));
    if (guidance.kind === "cfg") applyGuidance(logits!, other!, guidance.scale);
    const stats = allocateRowStats(rows, signals, "f64");
    reduceRows(logits!, V, canvases[0]!, signals, suppress, stats);
    const { klPrevious } = signals;
    if (klPrevious !== undefined) divergence.track(rows, logits!, stats.lse, klPrevious, stats.klPrevious!);
    if (drafts === undefined) return stats;
    return { ...stats, drafts: drafts.map((draft) => answer(draftRequest(request, draft))) };
  };
  return { maskId: MASK, seen: [], forward: answer };
}

/** Ids whose names mean something to a strategy stay. */
const FIXED = [EOS, PAD, MASK, DELIMITER];
const naming: fc.Arbitrary<readonly number[]> = fc
  .shuffledSubarray(
    Array.from({ length: 64 }, (_, id) => id).filter((id) => !FIXED.includes(id)),
    { minLength: 64 - FIXED.length },
  )
  .map((order) => {
    const rest = [...order];
    return Array.from({ length: 64 }, (_, id) => (FIXED.includes(id) ? id : rest.pop()!));
  });

test.each(Object.keys(PRESETS))("P12: %s does not care how tokens are numbered", (name) => {
  fc.assert(
    fc.property(scene, naming, fc.constantFrom(0, 1), (any, renamed, cfg) => {
      const input = PRESETS[name]!.continuationOnly === true ? continued(any) : any;
      const ids = input.canvas.ids.map((id) => renamed[id]!);
      const settings = settingsOf(input, { guidance: { cfg } });
      const strategy = buildStrategy(PRESETS[name]!, settings, HINTS);
      const there = run(
        { ...input, canvas: { ...input.canvas, ids } },
        strategy,
        renamedOracle(input, renamed),
      );
      const back = run(input, strategy);
      const told = (events: readonly StepEvent[], nameOf: (id: number) => number): object[] =>
        events.map(({ commits, overwrites, remasks, inserts, deletes }) => ({
          commits: commits.map(({ row, id }) => [row, nameOf(id)]),
          overwrites: overwrites.map(({ row, id }) => [row, nameOf(id)]),
          remasks,
          inserts,
          deletes,
        }));
      expect(told(there, (id) => id)).toEqual(told(back, (id) => renamed[id]!));
    }),
    { numRuns: 12 },
  );
});

test("P20: sparse credit is the dense one", () => {
  const [alpha, gamma, decay] = [0.7, 0.2, 0.8];
  fc.assert(
    fc.property(scene, (input) => {
      const { V } = input.oracle;
      const cells = input.canvas.kinds.filter((kind) => kind === 1).length;
      const sparse = creditSampler({ alpha, gamma, decay });
      const dense = new Map<number, Float64Array>();
      let checked = 0;
      const sampler: typeof sparse = {
        ...sparse,
        draw: (stats, rows, at, state) => {
          const made = sparse.draw(stats, rows, at, state);
          for (const [i, row] of rows.entries()) {
            const logits = new Float32Array(V);
            oracleLogits(input.seed, state.canvas.ids, row, input.oracle, logits);
            logits[MASK] = Number.NEGATIVE_INFINITY;
            const credit = dense.get(row) ?? new Float64Array(V);
            dense.set(row, credit);
            const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
            const best = logits.indexOf(Math.max(...logits));
            for (let id = 0; id < V; id++) credit[id]! *= decay;
            credit[best]! += (Math.exp(logits[best]!) / total) ** gamma;
            const raised = Array.from(logits, (logit, id) => Math.exp(logit) * (1 + credit[id]!) ** alpha);
            const sum = raised.reduce((all, value) => all + value, 0);
            expect(made.probabilities[i]!).toBeCloseTo(Math.max(...raised) / sum, 6);
            expect(made.ids[i]).toBe(raised.indexOf(Math.max(...raised)));
            checked++;
          }
          return made;
        },
      };
      // One block: credits begin anew with each.
      run(input, plain({ selector: thresholdSelector(0.8), sampler }, cells));
      expect(checked).toBeGreaterThan(0);
    }),
    { numRuns: 30 },
  );
});
