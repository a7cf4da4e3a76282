import { expect, test } from "vitest";
import { testModel } from "../../src/engine/run/scripted-model.ts";
import { askedAs } from "./open-quantised.ts";

test("weights that are compared with a bundle's get the bundle's prompts, and may write what it may", () => {
  const bare = testModel();
  const { manifest } = testModel();
  const shipped = {
    ...manifest,
    modes: { task: { prefix: [1], suffix: [2] } },
    tokens: { ...manifest.tokens, suppress: [3] },
  };
  const asked = askedAs(bare, shipped);
  expect(asked.manifest.modes).toEqual(shipped.modes);
  expect(asked.manifest.tokens.suppress).toEqual([3]);
  expect(asked.denoiser).toBe(bare.denoiser);
  expect(bare.manifest).toEqual(manifest);
});
