import fc from "fast-check";
import { expect, test } from "vitest";
import type { GenerateOptions } from "../../core/job.ts";
import { seededRng } from "../../strategies/rng.ts";
import type { DecodeState } from "../../strategies/strategy.ts";
import { findMode } from "../ask/mode.ts";
import type { Region } from "../ask/model-facts.ts";
import { FACTS } from "../run/scripted-model.ts";
import { planGeneration } from "./plan.ts";

const REGION: Region = { kind: "generate", promptCells: 10 };

function recipeOf(options: GenerateOptions, region: Region = REGION): unknown {
  return planGeneration(options, FACTS, region).recipe;
}

test("without a recipe the one with the name of the mode is taken, else the bundle's default", () => {
  const mode = { prefix: [], suffix: [] };
  const recipes = { default: "llada", story: { preset: "eb", suppress: { repeats: 4 } }, chat: "story" };
  const model = { ...FACTS, modes: { story: mode, task: mode, chat: mode }, recipes };
  const presetOf = (options: object) => planGeneration(options, model, REGION).recipe;
  const guarded = { preset: "eb", suppress: { repeats: 4 } };
  expect(presetOf({})).toMatchObject(guarded);
  expect(presetOf({ mode: "chat" })).toMatchObject(guarded);
  expect(presetOf({ mode: "task" })).toMatchObject({ preset: "llada" });
  expect(presetOf({ mode: "story", recipe: "default" })).toMatchObject({ preset: "llada" });
});

test("without options the bundle's default fills what the canvas has room for", () => {
  expect(recipeOf({})).toEqual({
    preset: "llada",
    length: 86,
    block: 32,
    steps: 86,
    temperature: 0,
    topK: 0,
    topP: 1,
    cache: "none",
    guidance: { cfg: 0 },
    stop: { eos: true },
  });
});

test("options of the call win over the recipe", () => {
  const recipe = { preset: "llada", length: 16, temperature: 1 };
  expect(recipeOf({ recipe, maxNewTokens: 8, temperature: 0.5 })).toMatchObject({
    length: 8,
    temperature: 0.5,
  });
});

test("a name of the bundle is its recipe, a threshold alone means fast-dllm", () => {
  expect(recipeOf({ recipe: "quick" })).toMatchObject({ preset: "fast-dllm", threshold: 0.5, block: 8 });
  expect(recipeOf({ recipe: { threshold: 0.7 } })).toMatchObject({ preset: "fast-dllm", threshold: 0.7 });
});

test("steps are kept between one a block and one a token", () => {
  const steps = (asked: number): unknown => recipeOf({ recipe: { length: 20, block: 8, steps: asked } });
  expect(steps(1)).toMatchObject({ steps: 3 });
  expect(steps(10)).toMatchObject({ steps: 10 });
  expect(steps(500)).toMatchObject({ steps: 20 });
});

test("an infill has the length of its gaps, never ends early and never chooses an end", () => {
  const plan = planGeneration({ maxNewTokens: 50 }, FACTS, { kind: "infill", gapCells: 7 });
  expect(plan.recipe).toMatchObject({ length: 7, block: 7, steps: 7, stop: { eos: false } });
  expect(plan.traits.suppress).toEqual([63, 60, 62, 61]);
});

test.each<[GenerateOptions, string, string]>([
  [{ maxNewTokens: -1 }, "invalid-options", "maxNewTokens must be a whole number from 1 to 96, got -1"],
  [{ maxNewTokens: 1e12 }, "invalid-options", "from 1 to 96"],
  [{ maxNewTokens: 1.5 }, "invalid-options", "whole number"],
  [
    { maxNewTokens: 87 },
    "prompt-too-long",
    "10 tokens and 87 are to be written, but the model's canvas holds 96",
  ],
  [{ temperature: -0.1 }, "invalid-options", "temperature must be a number from 0 to 10"],
  [{ temperature: Number.NaN }, "invalid-options", "temperature"],
  [{ seed: -1 }, "invalid-options", "seed"],
  [{ seed: 2 ** 40 }, "invalid-options", "seed"],
  [{ recipe: "ladda" }, "unknown-recipe", 'Did you mean "llada"?'],
  [{ recipe: "__proto__" }, "unknown-recipe", "Did you mean"],
  [{ recipe: { preset: "nope" } }, "unknown-recipe", "nope"],
  [{ recipe: { preset: "llada", threshold: 0.9 } }, "invalid-options", '"threshold" does not apply to llada'],
  [{ recipe: { preset: "fast-dllm", steps: 9 } }, "invalid-options", '"steps" does not apply to fast-dllm'],
])("%j is refused with %s", (options, code, sentence) => {
  expect(() => recipeOf(options)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(sentence) }),
  );
});

test("a prompt that leaves no room is too long", () => {
  expect(() => recipeOf({}, { kind: "generate", promptCells: 96 })).toThrow(
    expect.objectContaining({ code: "prompt-too-long" }),
  );
});

test("the resolved recipe resolves to itself", () => {
  const options = fc.record({
    preset: fc.constantFrom("llada", "llada-random", "fast-dllm"),
    length: fc.integer({ min: 1, max: 86 }),
    block: fc.integer({ min: 1, max: 100 }),
    temperature: fc.constantFrom(0, 0.5),
    stop: fc.constantFrom({ eos: true }, { eos: false }),
    search: fc.constantFrom(
      { method: "zero-order", score: "stability" },
      { method: "zero-order", share: 1, score: [{ length: 9 }, { name: "likelihood", weight: 2 }] },
      { method: "vote", answer: "a+" },
    ),
  });
  fc.assert(
    fc.property(options, (recipe) => {
      const resolved = recipeOf({ recipe });
      expect(recipeOf({ recipe: resolved })).toEqual(resolved);
    }),
  );
});

test("modes: the first by default, an unknown one is refused with the nearest", () => {
  expect(findMode(undefined, FACTS)).toEqual({ prefix: [60], suffix: [] });
  expect(findMode("task", FACTS).suffix).toEqual([58]);
  expect(findMode(undefined, { modes: {} })).toEqual({ prefix: [], suffix: [] });
  expect(() => findMode("stroy", FACTS)).toThrow('Did you mean "story"?');
  expect(() => findMode("toString", FACTS)).toThrow(expect.objectContaining({ code: "invalid-options" }));
});

test("block-causal models take the exact cache by default, where the recipe can use it", () => {
  const model = { ...FACTS, attention: { kind: "block-causal", block: 8, align: "absolute" } } as const;
  const cacheOf = (recipe: object) => planGeneration({ recipe }, model, REGION).recipe.cache;
  expect(cacheOf({ preset: "llada" })).toBe("block");
  expect(cacheOf({ preset: "llada", cache: "none" })).toBe("none");
  expect(cacheOf({ preset: "wino" })).toBe("none");
  // Its drafts differ in masks of the open block, which no stored block sees.
  expect(cacheOf({ preset: "freedave" })).toBe("block");
  expect(cacheOf({ preset: "llada", temperature: 1, search: { method: "svdd" } })).toBe("none");
  expect(cacheOf({ preset: "llada", temperature: 1, search: { method: "best-of" } })).toBe("block");
  expect(() => cacheOf({ preset: "adablock" })).toThrow("chooses where a block ends");
  for (const recipe of [
    { preset: "wino", cache: "block" },
    { preset: "llada", cache: "dual" },
  ]) {
    expect(() => cacheOf(recipe)).toThrow(expect.objectContaining({ code: "invalid-options" }));
  }
});

test("a cache that would hide what a recipe reads is refused, numbers are kept in the resolved recipe", () => {
  const cacheOf = (recipe: object) => planGeneration({ recipe }, FACTS, REGION).recipe.cache;
  expect(cacheOf({ cache: "dual" })).toBe("dual");
  expect(cacheOf({ cache: { policy: "dual", refresh: 0 } })).toBe("dual");
  expect(cacheOf({ cache: { policy: "partial", share: 0.5 } })).toEqual({
    policy: "partial",
    promptEvery: 25,
    answerEvery: 7,
    share: 0.5,
  });
  for (const [preset, cache] of [
    ["klass", "prefix"],
    ["daedal", "dual"],
    ["saber", "dual"],
    ["llada", "block"],
  ]) {
    expect(() => cacheOf({ preset, cache })).toThrow(expect.objectContaining({ code: "invalid-options" }));
  }
});

test("end-of-text prediction looks as far as the cache computes", () => {
  const recipe = { preset: "fast-dllm", cache: "dual", stop: { eotp: {} } };
  const { strategy, recipe: resolved } = planGeneration({ recipe }, FACTS, REGION);
  expect(strategy.length).toBeDefined();
  expect(resolved.stop).toEqual({ eos: true, eotp: { minConf: 0.9 } });
});

test.each<[Record<string, unknown>, Region, string]>([
  [{ stop: { eotp: {} } }, { kind: "infill", gapCells: 4 }, "for continuations"],
  [{ preset: "daedal", stop: { eotp: {} } }, REGION, "finds the length by itself"],
  [{ stop: { eotp: {} }, constraint: { regex: "a+" } }, REGION, "does not fit a constraint"],
  [{ init: { draft: "x" } }, { kind: "infill", gapCells: 4 }, "for continuations"],
  [{ preset: "wino", init: { draft: "x" } }, REGION, "takes tokens back by itself"],
  [{ preset: "daedal", init: { draft: "x" } }, REGION, "changes the length"],
  [{ init: { draft: "x" }, constraint: { regex: "a+" } }, REGION, "may violate"],
  [{ preset: "warm-start" }, REGION, "needs a draft"],
  [{ init: { blend: 0.5 } }, REGION, "either a text (draft) or found (from)"],
  [{ init: { draft: "x", blend: 0.5 } }, { kind: "infill", gapCells: 4 }, "for continuations"],
  [{ preset: "daedal", init: { draft: "x", blend: 0.5 } }, REGION, "changes the length"],
  [{ preset: "warm-start", init: { draft: "x", blend: 0.5 } }, REGION, "such as fast-dllm"],
  [{ init: { draft: "x", blend: 0.5, keep: 0.3 } }, REGION, "nothing for keep and check"],
  [{ init: { draft: "x", blend: 0.5, check: "seen" } }, REGION, "nothing for keep and check"],
  [{ preset: "llada", steps: [3, 2] }, REGION, "a table is for quota-table"],
  [{ preset: "llada", remask: true }, REGION, "never takes tokens back"],
  [{ preset: "wino", remask: false }, REGION, "follows from it"],
  [{ preset: "credit", temperature: 1 }, REGION, "takes the best token"],
  [{ preset: "freedave", guidance: { cfg: 1 } }, REGION, "evaluates drafts"],
])("%j in %j is refused", (recipe, region, sentence) => {
  expect(() => planGeneration({ recipe }, FACTS, region)).toThrow(
    expect.objectContaining({ code: "invalid-options", message: expect.stringContaining(sentence) }),
  );
});

test("a recipe that takes tokens back says so, and parses to itself", () => {
  const recipe = recipeOf({ recipe: "wino" });
  expect(recipe).toMatchObject({ remask: true });
  expect(recipeOf({ recipe: recipe as Record<string, unknown> })).toEqual(recipe);
});

test("llama.cpp's names are accepted", () => {
  expect(recipeOf({ recipe: "4" })).toMatchObject({ preset: "maskgit" });
  expect(recipeOf({ recipe: { preset: "entropy" } })).toMatchObject({ preset: "dream-entropy" });
});

test("guidance that leaves its second branch out is resolved, and takes caches that start anew with each block", () => {
  const of = (guidance: object, more: object = {}) =>
    planGeneration({ recipe: { preset: "llada", guidance, ...more } }, FACTS, REGION);
  const adaptive = of({ cfg: 1, adaptive: {} }, { cache: "dual" });
  expect(adaptive.recipe.guidance).toEqual({ cfg: 1, adaptive: { cosine: 0.93, steps: 1 } });
  expect(planGeneration({ recipe: adaptive.recipe }, FACTS, REGION).recipe).toEqual(adaptive.recipe);
  expect(of({ cfg: 1, residual: { every: 4 } }).recipe.guidance.residual).toEqual({ every: 4, decay: 1 });
  const refused = (guidance: object, more: object, option: string) =>
    expect(() => of(guidance, more)).toThrow(
      expect.objectContaining({ code: "invalid-options", detail: expect.objectContaining({ option }) }),
    );
  refused({ cfg: 1, adaptive: {}, residual: {} }, {}, "guidance");
  refused({ cfg: 1, adaptive: {} }, { cache: "partial" }, "cache");
  refused({ cfg: 1, adaptive: { cosine: 2 } }, {}, "guidance.adaptive.cosine");
});

test("an entropy guard goes with any recipe that never takes back, and with no other", () => {
  const of = (recipe: object) => planGeneration({ recipe }, FACTS, REGION);
  const remask = { entropyGuard: 0.2 };
  const guarded = of({ preset: "fast-dllm", remask, cache: "dual" });
  expect(guarded.strategy.reviser?.needs).toEqual({ entropy: true });
  expect(guarded.recipe.remask).toEqual(remask);
  expect(of(guarded.recipe).recipe).toEqual(guarded.recipe);
  const refusal = expect.objectContaining({ detail: { option: "remask" } });
  expect(() => of({ preset: "wino", remask })).toThrow(refusal);
  expect(() => of({ preset: "fast-dllm", remask, init: { draft: "a" } })).toThrow(refusal);
});

test("a blended draft leaves the decoder as it is, and asks nothing of caches", () => {
  const init = { draft: "x", blend: 0.5 };
  for (const preset of ["fast-dllm", "llada", "wino"]) {
    const plain = planGeneration({ recipe: { preset } }, FACTS, REGION);
    const blended = planGeneration({ recipe: { preset, init } }, FACTS, REGION);
    expect(blended.recipe).toEqual({ ...plain.recipe, init });
    expect(blended.strategy.reviser === undefined).toBe(plain.strategy.reviser === undefined);
    expect(planGeneration({ recipe: blended.recipe }, FACTS, REGION).recipe).toEqual(blended.recipe);
  }
  const more = { constraint: { regex: "a+" }, remask: { entropyGuard: 0.5 }, guidance: { cfg: 1 } };
  const { recipe } = planGeneration({ recipe: { ...more, cache: "dual", init } }, FACTS, REGION);
  expect(recipe).toMatchObject({ cache: "dual", init, remask: { entropyGuard: 0.5 } });
});

test("a graph that was taken over as it is cannot be blended into", () => {
  const recipe = { init: { draft: "x", blend: 0.5 } };
  expect(() => planGeneration({ recipe }, { ...FACTS, layers: 0 }, REGION)).toThrow(
    expect.objectContaining({ code: "invalid-options", detail: { option: "init.blend" } }),
  );
});

test("a draft is either written or found", () => {
  const of = (init: object) => planGeneration({ recipe: { preset: "warm-start", init } }, FACTS, REGION);
  const refusal = expect.objectContaining({ detail: { option: "init" } });
  expect(() => of({ keep: 0.5 })).toThrow(refusal);
  expect(() => of({ draft: "a", from: "prompt" })).toThrow(refusal);
  const found = of({ from: "prompt", share: 0.5 });
  expect(found.recipe.init).toEqual({ from: "prompt", share: 0.5 });
});

test("gemma-eb has DiffusionGemma's settings, and a recipe may change each of them", () => {
  const of = (recipe: object) =>
    planGeneration({ recipe: { preset: "gemma-eb", ...recipe } }, FACTS, REGION).recipe;
  const renoise = { tMin: 0.4, steps: 48, stability: 1, confidence: 0.005 };
  expect(of({})).toMatchObject({ block: 86, temperature: 0.8, gamma: 0.1, renoise });
  const other = of({ renoise: { tMin: 0.1, steps: 9 }, temperature: 1, gamma: 0.5 });
  expect(other).toMatchObject({ temperature: 1, gamma: 0.5, renoise: { ...renoise, tMin: 0.1, steps: 9 } });
  expect(of(other)).toEqual(other);
  expect(recipeOf({})).not.toHaveProperty("renoise");
  // Accepted cells take new tokens that no selector chose.
  expect(() => of({ constraint: { regex: "a+" } })).toThrow("takes no constraint");
});

test("options of other programs plan as they do there", () => {
  expect(recipeOf({ recipe: "origin" })).toMatchObject({ preset: "dream-origin", temperature: 0 });
  expect(recipeOf({ recipe: { alg: "origin", temperature: 0.5 } })).toMatchObject({ temperature: 0.5 });
  expect(recipeOf({ recipe: "dream-origin" })).toMatchObject({ temperature: 0.6 });
  const random = { "--diffusion-algorithm": 3, "--diffusion-eps": 0.01, "--diffusion-alg-temp": 0.1 };
  expect(recipeOf({ recipe: random })).toMatchObject({ preset: "dream-random", eps: 0.01, algTemp: 0.1 });
  const blocks = { "--diffusion-algorithm": 4, "--diffusion-block-length": 16, "--diffusion-steps": 10 };
  const { strategy, recipe } = planGeneration({ recipe: blocks, maxNewTokens: 16 }, FACTS, REGION);
  expect(recipe).toMatchObject({ preset: "maskgit", schedule: "even", block: 16 });
  expect(recipeOf({ recipe })).toEqual(recipe);
  const opened = {
    block: { start: 0, end: 16 },
    targets: new Int32Array(16),
    quotas: [] as number[],
    stepInBlock: 0,
  };
  const state = opened as unknown as DecodeState; // all that a plan reads
  expect(strategy.selector.plan!(state, 16, seededRng(1))).toEqual([2, 2, 2, 2, 2, 2, 1, 1, 1, 1]);
});
