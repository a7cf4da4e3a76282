import fc from "fast-check";
import { expect, test } from "vitest";
import type { GenerateEvent } from "../core/events.ts";
import type { Job } from "../core/job.ts";
import { storeFilter } from "../model/commit-filter.ts";
import { PRESETS } from "../strategies/presets.ts";
import { runJob } from "./run-job.ts";
import { FACTS, testModel } from "./scripted-model.ts";

const RECIPES = Object.keys(PRESETS).filter((name) => {
  const { overrules, continuationOnly } = PRESETS[name]!;
  return overrules !== true && continuationOnly !== true;
});

/** Filters that accept every cell, so that learn2pd commits whole blocks. */
const filters = Array.from({ length: 20 }, (_, i) => {
  const size = i + 1;
  const zeros = new Array<number>(size).fill(0);
  const filter = { size, w1: [zeros], b1: [0], w2: zeros.map(() => [0]), b2: zeros.map(() => 4) };
  return storeFilter(filter, "int8");
});

async function done(job: Job, eosRate: number): Promise<Extract<GenerateEvent, { type: "done" }>> {
  let last: GenerateEvent | undefined;
  const model = { ...testModel(eosRate), manifest: { ...FACTS, filters } };
  for await (const event of runJob(job, model, { stop: () => false })) last = event;
  if (last?.type !== "done") throw new Error("no done event");
  return last;
}

test("P15: what any recipe writes under a constraint satisfies it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...RECIPES),
      fc.constantFrom("[a-f]+ [A-F]{3}", "(ab|cd|efg){2,6}", "x?(yz)*w", "[a-z ]{5,12}\\."),
      fc.integer({ min: 12, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(1000),
      fc.constantFrom(0, 0.9),
      fc.constantFrom(0, 60),
      async (preset, regex, length, block, seed, warmth, eosRate) => {
        const temperature = PRESETS[preset]!.greedy === true ? 0 : warmth;
        const recipe = { preset, length, block, temperature, constraint: { regex } };
        const job: Job = { kind: "generate", prompt: "abc", options: { recipe, seed } };
        expect((await done(job, eosRate)).text).toMatch(new RegExp(`^(?:${regex})$`, "u"));
      },
    ),
    { numRuns: 120 },
  );
});

test("each gap of an infill satisfies it by itself", async () => {
  const recipe = { preset: "fast-dllm", threshold: 0.1, constraint: { regex: "[a-c]+" } };
  const { filled } = await done({ kind: "infill", text: "xy [[4]] z [[2]]", options: { recipe } }, 0);
  expect(filled).toHaveLength(2);
  for (const text of filled!) expect(text).toMatch(/^[a-c]+$/);
});

test("literals stand in their cells", async () => {
  const constraint = { literals: [{ at: 3, text: "hello" }] };
  const recipe = { preset: "llada", length: 12, constraint, stop: { eos: false } };
  const { text } = await done({ kind: "generate", prompt: "abc", options: { recipe } }, 0);
  expect(text!.slice(3, 8)).toBe("hello");
});

test.each([
  [{ preset: "llada", length: 4, constraint: { regex: "[a-z]{9}" } }, "cannot be met in 4 cells"],
  [{ preset: "rediff", length: 8, constraint: { regex: "a+" } }, "takes no constraint"],
  [{ preset: "daedal", length: 8, constraint: { regex: "a+" } }, "takes no constraint"],
  [{ preset: "llada", length: 8, constraint: { regex: "a(" } }, "position"],
])("%j is refused", async (recipe, sentence) => {
  const job: Job = { kind: "generate", prompt: "abc", options: { recipe } };
  await expect(done(job, 0)).rejects.toMatchObject({
    code: "invalid-options",
    message: expect.stringContaining(sentence),
  });
});
