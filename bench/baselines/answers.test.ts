import { expect, test } from "vitest";
import { testModel } from "../../src/engine/run/scripted-model.ts";
import type { Lab } from "../harness/lab.ts";
import { memoryJournal } from "../harness/memory-journal.ts";
import { fingerprint, planAnswers } from "./answers.ts";

const MODEL = testModel();
const LLADA = { preset: "llada", block: 8, stop: { eos: false } };
const PROMPTS = ["abc", "bca", "cab"].map((prompt) => ({ task: "one", prompt, answer: "?" }));

function lab(): Lab {
  return {
    model: MODEL,
    identity: ["test"],
    journal: memoryJournal(),
    progress: { begin: () => {}, done: () => {} },
    signal: new AbortController().signal,
    spared: () => 0,
  };
}

const answerer = (preset: string) =>
  ({ kind: "engine", name: preset, recipe: { ...LLADA, preset }, print: "x", forwards: 1 }) as const;

test("a run that is over reports the prompts that all have answered, and goes on with the others", async () => {
  const own = lab();
  const plan = planAnswers(MODEL, {
    prompts: new Map([["one", PROMPTS]]),
    canvas: 44,
    answerers: [answerer("llada"), answerer("fast-dllm")],
  });
  let asked = 0;
  const [first] = await plan.measure(own, () => ++asked > 3);
  expect(first).toMatchObject({ task: "one", planned: 3 });
  expect(first?.outcomes.length).toBe(1);
  const [rest] = await plan.measure(own, () => false);
  expect(rest?.outcomes.map((row) => row.length)).toEqual([2, 2, 2]);
  const [llada, fast] = rest!.outcomes[0]!;
  expect(llada!.forwards).toBeGreaterThan(fast!.forwards);
  // Everything is in the journal now.
  const [again] = await plan.measure(own, () => true);
  expect(again).toEqual(rest);
});

test("prompts that leave too little room are left out", async () => {
  const plan = planAnswers(MODEL, {
    prompts: new Map([["one", PROMPTS]]),
    canvas: 33,
    answerers: [answerer("llada")],
  });
  expect(await plan.measure(lab(), () => false)).toEqual([{ task: "one", planned: 0, outcomes: [] }]);
});

test("a fingerprint is that of the decisions: the same for the same, another for another recipe", async () => {
  const own = lab();
  const print = (recipe: Readonly<Record<string, unknown>>) => fingerprint(recipe, PROMPTS, 44, own);
  expect(await print(LLADA)).toBe(await print({ ...LLADA }));
  expect(await print(LLADA)).not.toBe(await print({ ...LLADA, preset: "fast-dllm" }));
  expect(await print(LLADA)).not.toBe(await print({ ...LLADA, block: 4 }));
});
