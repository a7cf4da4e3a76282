import { expect, test } from "vitest";
import type { Job } from "../../core/job.ts";
import { storeFilter } from "../../model/commit-filter.ts";
import { fitFilter } from "../../strategies/fit/fit-filter.ts";
import { planGeneration } from "../plan/plan.ts";
import { runJob } from "../run/run-job.ts";
import { FACTS, testModel } from "../run/scripted-model.ts";
import { recordExamples } from "./record-filter.ts";

const JOBS: readonly Job[] = ["hello", "a b c", "zebra", "why"].map((prompt) => ({
  kind: "generate",
  prompt,
  options: {},
}));
const GO = { stop: () => false };
const SIZES = { block: 8, length: 20 };

test("each step of the greedy oracle is an example; it is never slower than one token a step", async () => {
  const told: number[] = [];
  const examples = await recordExamples(JOBS, testModel(), GO, { ...SIZES, onText: (n) => told.push(n) });
  expect(told).toEqual([1, 2, 3, 4]);
  for (const run of JOBS.keys()) {
    const own = examples.filter((example) => example.run === run);
    expect(own.length).toBeLessThanOrEqual(20);
    expect(own.map(({ confidences }) => confidences.length)).toEqual(
      own.map(({ isFinal }) => isFinal.length),
    );
    // Whole blocks first, the short one last.
    expect(own[0]!.isMasked).toEqual(new Array(8).fill(true));
    expect(own.at(-1)!.confidences).toHaveLength(4);
  }
});

test("a stop ends the recording", async () => {
  await expect(recordExamples(JOBS, testModel(), { stop: () => true }, SIZES)).rejects.toMatchObject({
    code: "aborted",
  });
});

test("a fitted filter stored with the model is what learn2pd decodes with", async () => {
  const examples = await recordExamples(JOBS, testModel(), GO, SIZES);
  const { filter } = fitFilter(examples, { size: 8, hidden: 8, seed: 1, updates: 300, threshold: 0.5 });
  const model = testModel();
  const manifest = { ...FACTS, variant: "int8", filters: [storeFilter(filter, "int8")] };
  const recipe = { preset: "learn2pd", block: 8, threshold: 0.2 };
  const reasons = new Set<string>();
  const job: Job = { kind: "generate", prompt: "hello", options: { maxNewTokens: 16, recipe } };
  let forwards = 0;
  for await (const event of runJob(job, { ...model, manifest }, GO)) {
    if (event.type === "step") for (const { reason } of event.commits) reasons.add(reason);
    if (event.type === "done") forwards = event.nfe;
  }
  expect(reasons).toContain("filter");
  expect(forwards).toBeLessThan(16);
});

test("a bundle without a filter for these weights and blocks is refused, saying what to do", () => {
  const region = { kind: "generate", promptCells: 4 } as const;
  const plan = (facts: object) => planGeneration({ recipe: "learn2pd" }, { ...FACTS, ...facts }, region);
  const missing = { code: "filter-missing", message: expect.stringContaining("unmask fit learn2pd") };
  expect(() => plan({})).toThrow(expect.objectContaining(missing));
  const zero = { block: 32, hidden: 1, weights: "0000".repeat(97) };
  expect(() => plan({ variant: "q4", filters: [{ variant: "int8", ...zero }] })).toThrow(
    expect.objectContaining({ code: "filter-missing", detail: { block: 32, variant: "q4" } }),
  );
  expect(() => plan({ variant: "int8", filters: [{ variant: "int8", ...zero }] })).not.toThrow();
});

test("learn2pd predicts the end of a continuation under its guard, unless the recipe says no", () => {
  const filters = [{ variant: "int8", block: 32, hidden: 1, weights: "0000".repeat(97) }];
  const facts = { ...FACTS, filters };
  const region = { kind: "generate", promptCells: 4 } as const;
  const of = (recipe: object, where: Parameters<typeof planGeneration>[2] = region) =>
    planGeneration({ recipe: { preset: "learn2pd", ...recipe } }, facts, where);
  const usual = of({});
  expect(usual.recipe.stop.eotp).toEqual({ minConf: 0.9 });
  expect(of(usual.recipe).recipe).toEqual(usual.recipe);
  expect(of({ stop: { eotp: false } }).strategy.length).toBeUndefined();
  const gap = of({}, { kind: "infill", gapCells: 4 });
  expect(gap.strategy.length).toBeUndefined();
  expect(gap.recipe.stop.eotp).toBe(false);
  expect(of({ stop: { eotp: { notBefore: "start" } } }).recipe.stop.eotp).toEqual({
    minConf: 0.9,
    notBefore: "start",
  });
});
