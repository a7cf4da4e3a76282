import { expect, test } from "vitest";
import { testModel } from "../../src/engine/scripted-model.ts";
import { RATIOS, recordStates } from "./states.ts";

test("one state a ratio, each with the share of masks it is named after or less, by no more than a step", async () => {
  const model = testModel();
  const recipe = { preset: "llada", block: 40, stop: { eos: false } };
  const job = { kind: "generate", prompt: "abc", options: { maxNewTokens: 40, recipe } } as const;
  const states = await recordStates(job, { model, signal: new AbortController().signal });
  expect(states.map(({ ratio }) => ratio)).toEqual([...RATIOS]);
  expect(states.map(({ ids }) => ids.filter((id) => id === 63).length)).toEqual([38, 32, 24, 16, 8, 2]);
});
