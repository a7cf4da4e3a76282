import { expect, test } from "vitest";
import type { ForwardRequest } from "../../core/types.ts";
import { FACTS, testModel } from "../run/scripted-model.ts";
import { planGeneration } from "./plan.ts";
import { REGION, run } from "./scripted-run.ts";

test("a recipe may leave ends of the text out, or for last", async () => {
  const { eos, pad } = FACTS.tokens;
  const ends = [...eos, pad];
  const of = async (preset: string, predict?: string) => {
    const stop = { eos: false, ...(predict === undefined ? {} : { predict }) };
    return (await run({ preset, stop }, 150)).done.tokens;
  };
  for (const preset of ["llada", "fast-dllm", "credit", "mdlm"]) {
    expect((await of(preset)).some((id) => ends.includes(id))).toBe(true);
    expect((await of(preset, "never")).some((id) => ends.includes(id))).toBe(false);
  }
  expect(await of("llada", "last")).not.toEqual(await of("llada"));
  const { recipe } = planGeneration({ recipe: { stop: { predict: "last" } } }, FACTS, REGION);
  expect(recipe.stop).toMatchObject({ predict: "last" });
  expect(planGeneration({ recipe }, FACTS, REGION).recipe).toEqual(recipe);
});

test.each<[object, string]>([
  [{ preset: "daedal", stop: { predict: "never" } }, "length control"],
  [{ stop: { predict: "never", eotp: {} } }, "end-of-text prediction"],
  [{ preset: "freedave", stop: { predict: "last" } }, "do not fit freedave"],
])("%j is refused for what it says of ends", async (recipe, sentence) => {
  await expect(run(recipe)).rejects.toMatchObject({
    code: "invalid-options",
    message: expect.stringContaining(sentence),
  });
});

test("the unconditional branch sees the tokens that a recipe keeps, whatever else guides", async () => {
  const branch = async (guidance: object): Promise<Set<number>> => {
    const seen: ForwardRequest[] = [];
    await run({ preset: "llada", guidance }, 0, testModel(0, seen));
    const second = seen.find(({ canvases }) => canvases.length === 2)!.canvases[1]!;
    return new Set(second.subarray(0, 6));
  };
  const { mask } = FACTS.tokens;
  for (const kind of [{}, { adaptive: {} }, { residual: {} }]) {
    expect(await branch({ cfg: 1, ...kind })).toEqual(new Set([mask]));
    // The mode's token for the beginning.
    expect(await branch({ cfg: 1, keep: [60], ...kind })).toEqual(new Set([60, mask]));
  }
});

test("tokens may be left out, or for last, by their ids", async () => {
  const free = (await run({ preset: "llada" })).done.tokens;
  const common = free[0]!;
  const never = (await run({ preset: "llada", suppress: { never: [common] } })).done.tokens;
  expect(free).toContain(common);
  expect(never).not.toContain(common);
  const { eos, pad } = FACTS.tokens;
  const last = { preset: "llada", suppress: { last: [...eos, pad!] } };
  const ends = { preset: "llada", stop: { eos: false, predict: "last" } };
  expect((await run(last, 150)).done.tokens).toEqual((await run(ends, 150)).done.tokens);
  const { recipe } = planGeneration({ recipe: { ...last, guidance: { cfg: 1, keep: [60] } } }, FACTS, REGION);
  expect(recipe).toMatchObject({ suppress: last.suppress, guidance: { cfg: 1, keep: [60] } });
  expect(planGeneration({ recipe }, FACTS, REGION).recipe).toEqual(recipe);
});

test("a run of tokens is not written twice where the recipe says so, and its resolved recipe keeps that", async () => {
  const twice = (tokens: readonly number[]): number => {
    const pairs = tokens.slice(1).map((id, i) => `${tokens[i]} ${id}`);
    return pairs.length - new Set(pairs).size;
  };
  // A vocabulary so small that a text repeats itself.
  const never = Array.from({ length: FACTS.vocab }, (_, id) => id).filter((id) => id > 12);
  const texts = async (more: object) => {
    const counts = [];
    for (let seed = 0; seed < 5; seed++) {
      const recipe = { preset: "fast-dllm", threshold: 0.2, temperature: 1, suppress: { never, ...more } };
      counts.push(twice((await run(recipe, 0, testModel(), seed)).done.tokens));
    }
    return counts.reduce((sum, count) => sum + count, 0);
  };
  expect(await texts({})).toBeGreaterThan(0);
  expect(await texts({ repeats: 2 })).toBe(0);
  const asked = { preset: "llada", no_repeat_ngram_size: 3 };
  const { recipe: resolved } = planGeneration({ recipe: asked }, FACTS, REGION);
  expect(resolved).toMatchObject({ suppress: { repeats: 3 } });
  expect(planGeneration({ recipe: resolved }, FACTS, REGION).recipe).toEqual(resolved);
});

test.each<[object, string]>([
  [{ preset: "wino", suppress: { repeats: 4 } }, "do not fit wino"],
  [{ preset: "prophet", suppress: { repeats: 4 } }, "do not fit prophet"],
  [{ constraint: { regex: "a+" }, suppress: { repeats: 4 } }, "may ask for a run"],
  [{ guidance: { cfg: 1, keep: [64] } }, "below 64"],
  [{ suppress: { never: [64] } }, "below 64"],
  [{ guidance: { cfg: 1, keep: [1], weak: {} } }, "nothing to keep"],
  [{ preset: "freedave", suppress: { last: [1] } }, "do not fit freedave"],
])("%j is refused for the tokens that it names", async (recipe, sentence) => {
  await expect(run(recipe)).rejects.toMatchObject({
    code: "invalid-options",
    message: expect.stringContaining(sentence),
  });
});
