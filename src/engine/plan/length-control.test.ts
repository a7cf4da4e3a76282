import { expect, test } from "vitest";
import type { GenerateEvent } from "../../core/events.ts";
import type { Job } from "../../core/job.ts";
import { PRESET_NAMES } from "../../strategies/recipe/presets.ts";
import { runJob } from "../run/run-job.ts";
import { FACTS, testModel } from "../run/scripted-model.ts";
import { planGeneration } from "./plan.ts";
import { type Done, filters, REGION, run } from "./scripted-run.ts";

/** Presets that choose cells one step at a time, as they are: what they write may become longer. */
const GROWING = PRESET_NAMES.filter((name) => {
  try {
    const init = name === "warm-start" ? { init: { draft: "hello" } } : {};
    planGeneration(
      { recipe: { preset: name, lengthControl: { daedal: {} }, ...init } },
      { ...FACTS, filters },
      REGION,
    );
    return true;
  } catch (error) {
    // Each refusal says what does not fit.
    expect(error).toMatchObject({
      code: "invalid-options",
      message: expect.stringMatching(/does not fit|takes tokens back/),
    });
    return false;
  }
});

test("a length control fits decoders that plan nothing and take nothing back", () => {
  expect(GROWING).toEqual(
    expect.arrayContaining([
      "fast-dllm",
      "factor",
      "eb",
      "dparallel",
      "klass",
      "credit",
      "localleap",
      "hierarchy",
      "daedal",
      "guided",
    ]),
  );
  expect(GROWING).not.toContain("llada");
  expect(GROWING).not.toContain("wino");
});

test.each(GROWING)("%s fills a canvas that grows, within the room there is", async (preset) => {
  for (const eosRate of [0, 120]) {
    for (const block of [4, 32]) {
      const lengthControl = { daedal: { factor: 4, low: 0.6, window: 8 } };
      const recipe = { preset, length: 12, block, lengthControl, stop: { eos: true } };
      const { done, masksLeft } = await run(recipe, eosRate, {
        ...testModel(eosRate),
        manifest: { ...FACTS, filters },
      });
      expect(masksLeft).toBe(0);
      expect(done.tokens.length).toBeGreaterThan(12);
      expect(done.tokens.length).toBeLessThanOrEqual(FACTS.maxCanvas - 5);
    }
  }
});

test("the length control of daedal is daedal's own", async () => {
  const of = (more: object) => run({ preset: "daedal", ...more }, 60);
  expect((await of({ lengthControl: { daedal: {} } })).done.tokens).toEqual((await of({})).done.tokens);
});

test.each<[object, string]>([
  [{ preset: "daedal", lengthControl: "fixed" }, "never fixed"],
  [{ preset: "eb", lengthControl: { daedal: {} }, constraint: { regex: "a+" } }, "counts on its cells"],
  [{ preset: "eb", lengthControl: { daedal: {} }, stop: { eotp: {} } }, "length"],
  [{ preset: "eb", lengthControl: { daedal: {} }, init: { draft: "x" } }, "length"],
  [{ preset: "eb", lengthControl: { daedal: {} }, cache: "dual" }, "looks at"],
  [{ preset: "llada", lengthControl: { daedal: {} } }, "plans its steps"],
  [{ preset: "first-hitting", lengthControl: { daedal: {} } }, "plans its steps"],
])("%j is refused", async (recipe, sentence) => {
  await expect(run(recipe)).rejects.toMatchObject({
    code: "invalid-options",
    message: expect.stringContaining(sentence),
  });
});

test("a resolved recipe keeps its length control", () => {
  const lengthControl = { daedal: { factor: 4 } };
  const { recipe } = planGeneration({ recipe: { preset: "eb", lengthControl } }, FACTS, REGION);
  expect(recipe).toMatchObject({ lengthControl, length: 64 });
  expect(planGeneration({ recipe }, FACTS, REGION).recipe).toEqual(recipe);
});

/** A model whose first guess is that no text ends within any canvas. */
const GREEDY_GROWTH = { preset: "daedal", lengthControl: { daedal: { low: 0.9, factor: 8 } } };

test.each([{ preset: "daedal" }, GREEDY_GROWTH, { preset: "eb", lengthControl: { daedal: { low: 0.9 } } }])(
  "%j writes no more than the caller or the recipe allows",
  async (recipe) => {
    const of = async (options: object, more: object = {}) => {
      const job: Job = {
        kind: "generate",
        prompt: "hello",
        options: { recipe: { ...recipe, stop: { eos: false }, ...more }, ...options },
      };
      const events: GenerateEvent[] = [];
      for await (const event of runJob(job, testModel(), { stop: () => false })) events.push(event);
      return events;
    };
    const cells = (events: readonly GenerateEvent[]) => (events.at(-1) as Done).tokens.length;
    // The prompt has a token at its beginning.
    expect(cells(await of({}))).toBe(FACTS.maxCanvas - 6);
    expect(cells(await of({ maxNewTokens: 16 }))).toBe(16);
    expect(cells(await of({ maxNewTokens: 80 }))).toBe(80);
    const maxLength = 70;
    const control = { ...("lengthControl" in recipe ? recipe.lengthControl.daedal : {}), maxLength };
    expect(cells(await of({ maxNewTokens: 80 }, { lengthControl: { daedal: control } }))).toBe(maxLength);
    await expect(of({ maxNewTokens: 92 })).rejects.toMatchObject({ code: "prompt-too-long" });
  },
);

test("a canvas begins with its length, not with what is allowed, and its resolved recipe keeps the cap", () => {
  const options = { recipe: { preset: "daedal" }, maxNewTokens: 80 };
  const { recipe } = planGeneration(options, FACTS, REGION);
  expect(recipe).toMatchObject({ length: 64, lengthControl: { daedal: { maxLength: 80 } } });
  expect(planGeneration({ recipe }, FACTS, REGION).recipe).toEqual(recipe);
  expect(planGeneration({ recipe: "daedal" }, FACTS, REGION).recipe.lengthControl).toBeUndefined();
  const small = planGeneration({ recipe: "daedal", maxNewTokens: 16 }, FACTS, REGION).recipe;
  expect(small).toMatchObject({ length: 16, lengthControl: { daedal: { maxLength: 16 } } });
});

test("a canvas that is full is not cut at its end to make room for doubtful masks", async () => {
  for (let seed = 0; seed < 6; seed++) {
    const model = testModel();
    const job: Job = {
      kind: "generate",
      prompt: "hello",
      options: { seed, temperature: 1, maxNewTokens: 30, recipe: { ...GREEDY_GROWTH, length: 20 } },
    };
    for await (const event of runJob(job, model, { stop: () => false })) {
      if (event.type === "step") expect(event.deletes).toEqual([]);
    }
  }
});

test.each<[object, string]>([
  [{ attention: { kind: "block-causal", block: 8, align: "absolute" } }, "are fixed"],
  [{ tokens: { mask: 63, eos: [], pad: 61 } }, "no end-of-text token"],
])("daedal and its length control are refused alike on a model with %j", (facts) => {
  const model = { ...FACTS, ...facts };
  for (const recipe of ["daedal", { preset: "eb", lengthControl: { daedal: {} } }]) {
    expect(() => planGeneration({ recipe }, model, REGION)).toThrow(
      expect.objectContaining({ code: "invalid-options" }),
    );
  }
});
