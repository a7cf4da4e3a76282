import { expect, test } from "vitest";
import { continuationCanvas } from "../canvas.ts";
import { decode, type StepEvent, startState } from "../decode.ts";
import { createOracle } from "../oracle/oracle.ts";
import { ORACLE_DEFAULTS } from "../oracle/oracle-logits.ts";
import { runScripted } from "../oracle/run-scripted.ts";
import { seededRng } from "../rng.ts";
import { testSettings } from "../testing/test-settings.ts";
import type { ModelHints, Settings } from "./preset.ts";
import { buildStrategy, findPreset } from "./presets.ts";

const SETTINGS: Settings = testSettings(24, { block: 8 });

const HINTS: ModelHints = { eos: [62], pad: 61, delimiters: [7], room: 40 };

function run(preset: string, settings: Partial<Settings> = {}, seed = 5): StepEvent[] {
  const state = startState(continuationCanvas([1, 2], SETTINGS.length, ORACLE_DEFAULTS.mask));
  const strategy = buildStrategy(findPreset(preset), { ...SETTINGS, ...settings }, HINTS);
  const traits = {
    maskId: ORACLE_DEFAULTS.mask,
    suppress: [ORACLE_DEFAULTS.mask],
    attention: { kind: "full" },
  } as const;
  return runScripted(decode(strategy, traits, state, seededRng(seed)), createOracle(3, ORACLE_DEFAULTS))
    .events;
}

test("llada commits as many tokens a step as its steps ask for", () => {
  expect(run("llada").map(({ commits }) => commits.length)).toEqual(new Array(24).fill(1));
  expect(run("llada", { steps: 6 }).map(({ commits }) => commits.length)).toEqual(new Array(6).fill(4));
});

test("a table is played in every block, its last entry again and again", () => {
  const counts = run("quota-table", { table: [3, 1, 2] }).map(({ commits }) => commits.length);
  expect(counts).toEqual([3, 1, 2, 2, 3, 1, 2, 2, 3, 1, 2, 2]);
});

test("a number of steps in place of a table is shared by the blocks", () => {
  const counts = run("quota-table", { steps: 6 }).map(({ commits }) => commits.length);
  expect(counts).toEqual(new Array(6).fill(4));
});

test("a threshold of 0 takes one step a block, of 1 one token a step", () => {
  expect(run("fast-dllm", { threshold: 0 })).toHaveLength(3);
  expect(run("fast-dllm", { threshold: 1 })).toHaveLength(24);
});

test("random order depends on the seed and reports no confidence", () => {
  const rows = (seed: number): number[] =>
    run("llada-random", {}, seed).map(({ commits }) => commits[0]!.row);
  expect(rows(1)).toEqual(rows(1));
  expect(rows(1)).not.toEqual(rows(2));
  expect(run("llada-random")[0]!.commits[0]!.conf).toBeNull();
});

test("temperature samples by the seed; without it the seed changes nothing", () => {
  const ids = (temperature: number, seed: number): number[] =>
    run("llada", { temperature }, seed).flatMap(({ commits }) => commits.map(({ id }) => id));
  expect(ids(0, 1)).toEqual(ids(0, 2));
  expect(ids(2, 1)).toEqual(ids(2, 1));
  expect(ids(2, 1)).not.toEqual(ids(2, 2));
});

test("guidance of 0 is the plain model, other scales change the outcome", () => {
  expect(run("llada", { guidance: { cfg: 3 } })).not.toEqual(run("llada"));
});

test("an unknown name is refused with the nearest one", () => {
  expect(() => findPreset("fastdllm")).toThrow('Did you mean "fast-dllm"?');
  expect(() => findPreset("toString")).toThrow(expect.objectContaining({ code: "unknown-recipe" }));
});
