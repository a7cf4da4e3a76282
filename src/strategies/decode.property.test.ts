import fc from "fast-check";
import { expect, test } from "vitest";
import { createCanvas, GIVEN, MASKED } from "./canvas.ts";
import { decode, type StepEvent, startState } from "./decode.ts";
import { eosStop } from "./eos-stop.ts";
import { createOracle, type Oracle } from "./oracle.ts";
import { ORACLE_DEFAULTS, type OracleParameters } from "./oracle-logits.ts";
import { buildStrategy, PRESETS, type Settings } from "./presets.ts";
import { seededRng } from "./rng.ts";
import { runScripted } from "./run-scripted.ts";
import type { DecodeState, ModelTraits, Strategy } from "./strategy.ts";

/** The properties P1 to P7 that hold for any strategy on any oracle. */

const MASK = ORACLE_DEFAULTS.mask;
const EOS = 62;
const TRAITS: ModelTraits = { maskId: MASK, suppress: [MASK], attention: { kind: "full" } };

interface Scene {
  readonly state: DecodeState;
  readonly strategy: Strategy;
  readonly oracle: Oracle;
  readonly settings: Settings;
  readonly quota: boolean;
  readonly seed: number;
}

const parameters: fc.Arbitrary<OracleParameters> = fc
  .record({
    base: fc.integer({ min: -160, max: 230 }),
    spread: fc.integer({ min: 0, max: 256 }),
    swing: fc.integer({ min: 0, max: 256 }),
    keep: fc.integer({ min: 0, max: 256 }),
    maskRate: fc.constantFrom(0, 40, 256),
    eosRate: fc.constantFrom(0, 30),
  })
  .map(({ maskRate, eosRate, ...rest }) => ({
    ...ORACLE_DEFAULTS,
    ...rest,
    specials: [
      [EOS, 0, 999, eosRate],
      [MASK, 0, 999, maskRate],
    ] as const,
  }));

const given = fc.array(fc.integer({ min: 0, max: 61 }), { maxLength: 6 });

const scene: fc.Arbitrary<Scene> = fc
  .record({
    parameters,
    prompt: given,
    gaps: fc.array(fc.record({ cells: fc.integer({ min: 1, max: 12 }), after: given }), {
      minLength: 1,
      maxLength: 3,
    }),
    preset: fc.constantFrom(...Object.keys(PRESETS)),
    block: fc.integer({ min: 1, max: 40 }),
    steps: fc.integer({ min: 1, max: 40 }),
    temperature: fc.constantFrom(0, 0, 0.7, 1.5),
    topK: fc.constantFrom(0, 4),
    topP: fc.constantFrom(1, 0.8),
    threshold: fc.double({ min: 0, max: 1, noNaN: true }),
    cfg: fc.constantFrom(0, 0, 1),
    stops: fc.boolean(),
    seed: fc.nat(0xffff_ffff),
  })
  .map(({ parameters: oracle, prompt, gaps, preset, cfg, stops, seed, ...rest }) => {
    const ids = [...prompt];
    const spans = gaps.map(({ cells, after }) => {
      const span = { start: ids.length, end: ids.length + cells };
      ids.push(...new Array<number>(cells).fill(MASK), ...after);
      return span;
    });
    const state = startState(createCanvas(ids, spans, MASK));
    const length = state.targets.length;
    const settings = { ...rest, length, guidance: { cfg } };
    const built = buildStrategy(PRESETS[preset]!, settings);
    return {
      state,
      settings,
      seed,
      quota: PRESETS[preset]!.keys.includes("steps"),
      strategy: stops ? { ...built, stop: eosStop([EOS], EOS) } : built,
      oracle: createOracle(seed, oracle),
    };
  });

function run(
  { strategy, oracle, seed }: Scene,
  state: DecodeState,
): { events: StepEvent[]; verdict: string } {
  return runScripted(decode(strategy, TRAITS, state, seededRng(seed)), oracle);
}

function check(
  property: (scene: Scene, state: DecodeState, events: StepEvent[], verdict: string) => void,
): void {
  fc.assert(
    fc.property(scene, (input) => {
      const state = structuredClone(input.state);
      const { events, verdict } = run(input, state);
      property(input, state, events, verdict);
    }),
    { numRuns: 150 },
  );
}

test("P1: given cells never change", () => {
  check((input, state) => {
    for (const [row, kind] of input.state.canvas.kinds.entries()) {
      if (kind !== GIVEN) continue;
      expect(state.canvas.ids[row]).toBe(input.state.canvas.ids[row]);
      expect(state.canvas.kinds[row]).toBe(GIVEN);
    }
  });
});

test("P2: the mask is never committed", () => {
  check((_input, _state, events) => {
    expect(events.some(({ commits }) => commits.some(({ id }) => id === MASK))).toBe(false);
  });
});

test("P3: no mask is left at the end", () => {
  check((_input, state, events, verdict) => {
    expect(verdict === "complete" || verdict === "eos").toBe(true);
    expect(state.canvas.kinds.includes(MASKED)).toBe(false);
    expect(events.at(-1)!.masksLeft).toBe(0);
  });
});

test("P4: forwards stay within the bound of the strategy", () => {
  check(({ quota, settings }, state) => {
    const blocks = Math.ceil(settings.length / settings.block);
    const bound = quota ? Math.min(settings.length, settings.steps + blocks) : settings.length;
    expect(state.nfe).toBeLessThanOrEqual(bound);
    expect(state.nfe).toBeGreaterThanOrEqual(1);
  });
});

test("P5: the same seed and oracle give the same events", () => {
  check((input, _state, events) => {
    expect(run(input, structuredClone(input.state)).events).toEqual(events);
  });
});

test("P6: folding the events over the first canvas gives the last", () => {
  check((input, state, events) => {
    const ids = input.state.canvas.ids.slice();
    for (const { commits, overwrites } of events) {
      for (const { row, id } of [...commits, ...overwrites]) ids[row] = id;
    }
    expect(ids).toEqual(state.canvas.ids);
  });
});

test("P7: a state cloned at any step resumes with the same suffix", () => {
  fc.assert(
    fc.property(scene, fc.nat(20), (input, at) => {
      const whole = run(input, structuredClone(input.state)).events;
      const cut = at % whole.length;
      const state = structuredClone(input.state);
      const decoder = decode(input.strategy, TRAITS, state, seededRng(input.seed));
      let turn = decoder.next();
      for (let steps = 0; steps <= cut && turn.done !== true; ) {
        if (turn.value.type === "step" && steps++ === cut) break;
        turn = decoder.next(
          turn.value.type === "request" ? input.oracle.forward(turn.value.request) : undefined,
        );
      }
      const saved: DecodeState = structuredClone(state);
      expect(run(input, saved).events).toEqual(whole.slice(cut + 1));
    }),
    { numRuns: 150 },
  );
});

test("P9: a block is clean before a row of a later block is committed", () => {
  check(({ settings, strategy }, state, events) => {
    if (strategy.stop !== undefined) return;
    let last = 0;
    for (const { commits } of events) {
      for (const { row } of commits) {
        const block = Math.floor(state.targets.indexOf(row) / settings.block);
        expect(block).toBeGreaterThanOrEqual(last);
        last = block;
      }
    }
  });
});
