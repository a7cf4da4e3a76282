import { expect, test } from "vitest";
import type { Denoiser } from "../../core/types.ts";
import { type GeneratePlan, planGeneration } from "../plan/plan.ts";
import { lanesOf } from "./lanes.ts";
import { FACTS, testModel } from "./scripted-model.ts";

const SEARCH = { method: "best-of", n: 8 };

function planOf(recipe: object): GeneratePlan {
  const search = { search: SEARCH, temperature: 1, ...recipe };
  return planGeneration({ recipe: search }, FACTS, { kind: "generate", promptCells: 4 });
}

const model = (parts: Partial<Denoiser>): Denoiser => ({
  ...testModel().denoiser,
  maxCanvas: 512,
  batchRows: 512,
  forwardAll: async () => [],
  ...parts,
});

test("texts share runs as far as their rows fit one", () => {
  const plan = planOf({ preset: "llada", length: 60 });
  expect(lanesOf(plan, model({}), 64).lanes).toBe(8);
  expect(lanesOf(plan, model({}), 128).lanes).toBe(4);
  expect(lanesOf(plan, model({ batchRows: 200 }), 64).lanes).toBe(3);
  expect(lanesOf(plan, model({ batchRows: 64 }), 64).lanes).toBe(1);
  expect(lanesOf(planOf({ preset: "llada", length: 60, guidance: { cfg: 1 } }), model({}), 64).lanes).toBe(4);
  expect(lanesOf(planOf({ preset: "llada", length: 60, guidance: { cfg: -0.5 } }), model({}), 64).lanes).toBe(
    4,
  );
});

test("a cache leaves the block to compute, but the keys of every text are stored", () => {
  const cached = planOf({ preset: "llada", length: 60, block: 16, cache: "dual" });
  expect(lanesOf(cached, model({ batchRows: 64 }), 64).lanes).toBe(4);
  expect(lanesOf(cached, model({ batchRows: 64 }), 256).lanes).toBe(2);
});

test("what the model keeps of one text, and models that compute one canvas, leave them one by one", () => {
  const { forwardAll: _forwardAll, batchRows: _batchRows, ...single } = model({});
  expect(lanesOf(planOf({ preset: "llada" }), single, 64).apart).toMatch(
    /one text at a time is computed here/,
  );
  expect(lanesOf(planOf({ preset: "klass" }), model({}), 64).apart).toMatch(/compared/);
  expect(lanesOf(planOf({ preset: "llada" }), model({}), 128).apart).toMatch(/more rows/);
  expect(lanesOf(planOf({ preset: "llada" }), model({}), 32).apart).toBeUndefined();
  expect(lanesOf(planOf({ preset: "llada" }), single, 64).lanes).toBe(1);
  expect(lanesOf(planOf({ preset: "klass" }), model({}), 64).lanes).toBe(1);
  const residual = { preset: "llada", guidance: { cfg: 1, residual: {} } };
  expect(lanesOf(planOf(residual), model({}), 64).lanes).toBe(1);
  expect(lanesOf(planOf({ preset: "llada", search: { method: "svdd" } }), model({}), 64).lanes).toBe(1);
  expect(lanesOf(planOf({ preset: "llada", search: undefined }), model({}), 64).lanes).toBe(1);
});
