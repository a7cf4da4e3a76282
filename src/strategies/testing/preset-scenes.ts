import fc from "fast-check";
import { clone } from "../../core/clone.ts";
import type { CommitFilter } from "../../model/commit-filter.ts";
import { createCanvas } from "../canvas.ts";
import { decode, type StepEvent, startState } from "../decode.ts";
import { createOracle, type Oracle } from "../oracle/oracle.ts";
import { ORACLE_DEFAULTS, type OracleParameters } from "../oracle/oracle-logits.ts";
import { runScripted } from "../oracle/run-scripted.ts";
import { eosStop } from "../pieces/eos-stop.ts";
import type { GuidanceSettings, ModelHints, Settings } from "../recipe/preset.ts";
import { buildStrategy, PRESETS } from "../recipe/presets.ts";
import { seededRng } from "../rng.ts";
import type { DecodeState, ModelTraits, Strategy } from "../strategy.ts";
import { type Axis, anyExtras, isContinued, presetsWith, withAxis } from "./axes.ts";
import { testSettings } from "./test-settings.ts";

/** Any preset on any canvas and oracle: what the properties of section 12 of the strategies note quantify over. */

export const MASK: number = ORACLE_DEFAULTS.mask;
const EOS = 62;
export const PAD = 61;
export const TRAITS: ModelTraits = { maskId: MASK, suppress: [MASK], attention: { kind: "full" } };
/** Cells that a continuation may have. */
export const ROOM = 56;
/** Cell i is accepted from a confidence of a half on. */
const FILTER: CommitFilter = {
  size: 12,
  w1: Array.from({ length: 12 }, (_, i) => Array.from({ length: 12 }, (_, j) => (i === j ? 20 : 0))),
  b1: new Array(12).fill(0),
  w2: Array.from({ length: 12 }, (_, i) => Array.from({ length: 12 }, (_, j) => (i === j ? 1 : 0))),
  b2: new Array(12).fill(-10),
};
export const HINTS: ModelHints = { eos: [EOS], pad: PAD, delimiters: [7], room: ROOM, filter: FILTER };

/** Any settings, as far as it matters to what a preset takes. */
const SETTINGS: Settings = testSettings(8);

/** Presets that take what the axis puts on them. */
export function accepting(axis: Axis): readonly string[] {
  return presetsWith(axis, (name) => buildStrategy(PRESETS[name]!, SETTINGS, HINTS));
}

/** A preset on a canvas, with an oracle. */
export interface Scene {
  readonly name: string;
  readonly state: DecodeState;
  readonly strategy: Strategy;
  readonly oracle: Oracle;
  readonly settings: Settings;
  readonly seed: number;
}

const parameters: fc.Arbitrary<OracleParameters> = fc
  .record({
    base: fc.integer({ min: -160, max: 230 }),
    spread: fc.integer({ min: 0, max: 256 }),
    swing: fc.integer({ min: 0, max: 256 }),
    keep: fc.integer({ min: 0, max: 256 }),
    maskRate: fc.constantFrom(0, 40, 256),
    eosRate: fc.constantFrom(0, 30, 200),
  })
  .map(({ maskRate, eosRate, ...rest }) => ({
    ...ORACLE_DEFAULTS,
    ...rest,
    specials: [
      [EOS, 0, 999, eosRate],
      [MASK, 0, 999, maskRate],
    ] as const,
  }));

const given = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 6 });

/** Any scene of these presets, and of what a recipe may put on them. */
export function sceneOf(names: readonly string[], axis?: Axis): fc.Arbitrary<Scene> {
  return fc
    .record({
      parameters,
      prompt: given,
      gaps: fc.array(fc.record({ cells: fc.integer({ min: 1, max: 12 }), after: given }), {
        minLength: 1,
        maxLength: 3,
      }),
      name: fc.constantFrom(...names),
      block: fc.integer({ min: 1, max: 40 }),
      steps: fc.integer({ min: 1, max: 40 }),
      temperature: fc.constantFrom(0, 0, 0.7, 1.5),
      topK: fc.constantFrom(0, 4),
      topP: fc.constantFrom(1, 0.8),
      threshold: fc.double({ min: 0, max: 1, noNaN: true }),
      factor: fc.double({ min: 0, max: 3, noNaN: true }),
      gamma: fc.double({ min: 0, max: 3, noNaN: true }),
      guidance: fc.constantFrom<GuidanceSettings>(
        { cfg: 0 },
        { cfg: 0 },
        { cfg: 1 },
        { cfg: 1, adaptive: { cosine: 0.2, steps: 1 } },
        { cfg: 1, weak: { share: 0.5 } },
      ),
      stops: fc.boolean(),
      extras: anyExtras,
      seed: fc.nat(0xffff_ffff),
    })
    .map(({ parameters: oracle, prompt, gaps, name, stops, extras, seed, ...rest }) => {
      const preset = PRESETS[name]!;
      const ids = [...prompt];
      const isOpen = preset.continuationOnly === true || isContinued(axis);
      const spans = (isOpen ? gaps.slice(0, 1) : gaps).map(({ cells, after }) => {
        const span = { start: ids.length, end: ids.length + cells };
        ids.push(...new Array<number>(cells).fill(MASK), ...(isOpen ? [] : after));
        return span;
      });
      const canvas = createCanvas(ids, spans, MASK);
      const length = spans.reduce((sum, { start, end }) => sum + end - start, 0);
      const settings = { ...rest, block: Math.min(rest.block, length), length, table: [] };
      const place = { canvas, gaps: spans, settings, hints: HINTS, seed };
      const alone = buildStrategy(preset, settings, HINTS);
      // Warm start is about a draft, whatever else.
      const axes = new Set([
        ...(name === "warm-start" ? ["placed" as const] : []),
        ...(axis === undefined ? [] : [axis]),
      ]);
      const built = [...axes].reduce((strategy, next) => withAxis(next, strategy, extras, place), alone);
      const state = startState(canvas);
      const strategy = stops && built.stop === undefined ? { ...built, stop: eosStop([EOS], PAD) } : built;
      return { name, state, settings, seed, strategy, oracle: createOracle(seed, oracle) };
    });
}

export function run(
  { strategy, oracle, seed }: Scene,
  state: DecodeState,
): { events: StepEvent[]; verdict: string } {
  return runScripted(decode(strategy, TRAITS, state, seededRng(seed)), oracle);
}

/** What is checked of a run: its scene, the state at its end, its steps and how it ended. */
export type Check = (scene: Scene, state: DecodeState, events: StepEvent[], verdict: string) => void;

/** Checks a property of finished runs, preset by preset. */
export function check(property: Check, names = Object.keys(PRESETS), numRuns = 40): void {
  for (const name of names) {
    fc.assert(
      fc.property(sceneOf([name]), (input) => {
        const state = clone(input.state);
        const { events, verdict } = run(input, state);
        property(input, state, events, verdict);
      }),
      { numRuns },
    );
  }
}
