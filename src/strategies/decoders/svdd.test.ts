import { expect, test } from "vitest";
import { continuationCanvas } from "../canvas.ts";
import { decode, startState } from "../decode.ts";
import { createOracle } from "../oracle.ts";
import { ORACLE_DEFAULTS } from "../oracle-logits.ts";
import { buildStrategy, PRESETS } from "../presets.ts";
import { seededRng } from "../rng.ts";
import { runScripted } from "../run-scripted.ts";
import type { Strategy } from "../strategy.ts";
import { choose, svdd } from "./svdd.ts";

const MASK = ORACLE_DEFAULTS.mask;
const LIKED = 7;
const SETTINGS = {
  length: 24,
  block: 24,
  steps: 12,
  table: [],
  temperature: 2,
  topK: 0,
  topP: 1,
  threshold: 0.9,
  factor: 1,
  gamma: 0.1,
  guidance: { cfg: 0 },
};
const PLAIN = buildStrategy(PRESETS["llada"]!, SETTINGS, { eos: [], pad: 0, delimiters: [], room: 24 });
const liked = (ids: Int32Array): number => ids.reduce((count, id) => count + (id % LIKED === 0 ? 1 : 0), 0);

function run(strategy: Strategy) {
  const state = startState(continuationCanvas([1, 2], SETTINGS.length, MASK));
  const traits = { maskId: MASK, suppress: [MASK], attention: { kind: "full" } } as const;
  const { events } = runScripted(
    decode(strategy, traits, state, seededRng(5)),
    createOracle(3, ORACLE_DEFAULTS),
  );
  return { state, events };
}

test("the worked example of the strategies note", () => {
  expect(choose([0, 1, 3], 1, 0.5)).toBe(2);
  expect(choose([0, 1, 3], 1, 0.1)).toBe(1);
  expect(choose([0, 1, 3], 0, 0.1)).toBe(2);
  expect(choose([4, 4, 1], 0, 0.9)).toBe(0);
});

test("more proposals give more value for the same forwards", () => {
  const plain = run(PLAIN);
  const guided = run(svdd(PLAIN, { proposals: 8, alpha: 0, value: liked }));
  expect(liked(guided.state.canvas.ids)).toBeGreaterThan(liked(plain.state.canvas.ids));
  expect(guided.state.nfe).toBe(plain.state.nfe);
  expect(guided.events).toHaveLength(plain.events.length);
});

test("one proposal is the plain strategy", () => {
  expect(run(svdd(PLAIN, { proposals: 1, alpha: 0, value: liked })).events).toEqual(run(PLAIN).events);
});
