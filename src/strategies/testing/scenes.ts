import fc from "fast-check";
import { clone } from "../../core/clone.ts";
import { fixedBlocks } from "../blocks.ts";
import { type Canvas, createCanvas } from "../canvas.ts";
import { decode, type StepEvent, startState } from "../decode.ts";
import { createOracle, type Oracle } from "../oracle/oracle.ts";
import { ORACLE_DEFAULTS, type OracleParameters } from "../oracle/oracle-logits.ts";
import { runScripted } from "../oracle/run-scripted.ts";
import { gumbelSampler } from "../pieces/sampler.ts";
import { probabilityScorer } from "../pieces/scorer.ts";
import type { ModelHints, Settings } from "../recipe/preset.ts";
import { seededRng } from "../rng.ts";
import type { ModelTraits, Selector, Strategy } from "../strategy.ts";

/** Canvases and oracles for properties of single pieces. */

export const MASK: number = ORACLE_DEFAULTS.mask;
export const EOS = 62;
export const PAD = 61;
export const DELIMITER = 7;
const TRAITS: ModelTraits = { maskId: MASK, suppress: [MASK], attention: { kind: "full" } };
export const HINTS: ModelHints = { eos: [EOS], pad: PAD, delimiters: [DELIMITER], room: 48 };

/** A canvas and an oracle. */
export interface Scene {
  readonly canvas: Canvas;
  readonly block: number;
  readonly seed: number;
  readonly oracle: OracleParameters;
}

const given = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 4 });
export const scene: fc.Arbitrary<Scene> = fc
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
export function continued({ canvas, ...rest }: Scene): Scene {
  const start = canvas.promptLen;
  const ids = Array.from(canvas.ids.subarray(0, start));
  const cells = canvas.kinds.filter((kind) => kind === 1).length;
  const span = { start, end: start + cells };
  return { ...rest, canvas: createCanvas([...ids, ...new Array<number>(cells).fill(MASK)], [span], MASK) };
}

/** The steps of a strategy in a scene. */
export function run({ canvas, seed, oracle }: Scene, strategy: Strategy, model?: Oracle): StepEvent[] {
  const state = startState(clone(canvas));
  const decoder = decode(strategy, TRAITS, state, seededRng(seed));
  return runScripted(decoder, model ?? createOracle(seed, oracle)).events;
}

/** Greedy settings for a scene. */
export function settingsOf({ canvas, block }: Scene, changed: Partial<Settings>): Settings {
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

export type Pieces = { readonly selector: Selector } & Partial<Strategy>;

/** A strategy of these pieces, the rest greedy and plain. */
export const plain = (pieces: Pieces, block: number): Strategy => ({
  blocks: fixedBlocks(block),
  sampler: gumbelSampler({ temperature: 0, topK: 0, topP: 1 }),
  scorer: probabilityScorer,
  guidance: { kind: "none" },
  ...pieces,
});
