import { expect, test } from "vitest";
import { testModel } from "../run/scripted-model.ts";
import { maskedLogits } from "./masked-logits.ts";
import { RATIOS, recordStates } from "./record-states.ts";

const recipe = { preset: "llada", block: 40, stop: { eos: false } };
const job = { kind: "generate", prompt: "abc", options: { maxNewTokens: 40, recipe } } as const;

test("one state a ratio, each with the share of masks it is named after or less, by no more than a step", async () => {
  const states = await recordStates(job, testModel(), () => false);
  expect(states.map(({ ratio }) => ratio)).toEqual([...RATIOS]);
  expect(states.map(({ ids }) => ids.filter((id) => id === 63).length)).toEqual([38, 32, 24, 16, 8, 2]);
});

test("a run that is stopped has no states", async () => {
  await expect(recordStates(job, testModel(), () => true)).rejects.toMatchObject({ code: "aborted" });
});

test("the logits of masked cells are asked for, of at most so many spread over the canvas", async () => {
  const asked: number[][] = [];
  const { denoiser } = testModel();
  const watched = {
    ...denoiser,
    forward: (request: Parameters<typeof denoiser.forward>[0]) => {
      asked.push([...request.rows]);
      return denoiser.forward(request);
    },
  };
  const canvas = Int32Array.from({ length: 20 }, (_, i) => (i < 4 ? 1 : 63));
  const manifest = { vocab: 64, tokens: { mask: 63, eos: [62] }, attention: { kind: "full" } as const };
  expect(await maskedLogits(watched, manifest, canvas)).toHaveLength(16 * 64);
  expect(await maskedLogits(watched, manifest, canvas, 4)).toHaveLength(4 * 64);
  expect(asked).toEqual([Array.from({ length: 16 }, (_, i) => i + 4), [4, 8, 12, 16]]);
});
