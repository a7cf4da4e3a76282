import { expect, test } from "vitest";
import { canonicalPreset } from "./option-names.ts";
import { PRESET_NAMES } from "./presets.ts";
import { parseRecipe } from "./recipe.ts";

test.each<[string, object, object]>([
  [
    "LLaDA",
    {
      steps: 16,
      gen_length: 32,
      block_length: 8,
      cfg_scale: 0.5,
      remasking: "low_confidence",
      temperature: 0,
    },
    { steps: 16, length: 32, block: 8, guidance: { cfg: 0.5 }, preset: "low_confidence", temperature: 0 },
  ],
  [
    "Dream",
    { max_new_tokens: 32, alg: "maskgit_plus", alg_temp: 0.1, top_p: 0.95, top_k: 50, eps: 0.001 },
    { length: 32, preset: "maskgit_plus", algTemp: 0.1, topP: 0.95, topK: 50, eps: 0.001 },
  ],
  [
    "llama.cpp",
    {
      "--diffusion-steps": 64,
      "diffusion-algorithm": 4,
      "--diffusion-block-length": 32,
      "diffusion-cfg-scale": 1,
      "--diffusion-add-gumbel-noise": true,
      diffusion_alg_temp: 0.2,
    },
    { steps: 64, preset: "4", block: 32, guidance: { cfg: 1 }, algTemp: 0.2 },
  ],
])("options of %s are read", (_program, options, recipe) => {
  expect(parseRecipe(options)).toEqual(recipe);
});

test("an option under two names is refused, an unknown one too", () => {
  expect(() => parseRecipe({ block: 8, block_length: 8 })).toThrow("says block twice");
  expect(() => parseRecipe({ gen_length: 8, max_new_tokens: 8 })).toThrow("says length twice");
  expect(() => parseRecipe({ "diffusion-step": 8 })).toThrow("has no key");
  expect(() => parseRecipe({ add_gumbel_noise: 1 })).toThrow("has no key");
});

test.each([
  ["0", "dream-origin"],
  ["4", "maskgit"],
  ["ENTROPY_BASED", "dream-entropy"],
  ["topk_margin", "dream-margin"],
  ["low_confidence", "llada"],
  ["low-confidence-dynamic", "block-dynamic"],
  ["random", "llada-random"],
])("%s is %s", (name, preset) => {
  expect(canonicalPreset(name)).toBe(preset);
  expect(PRESET_NAMES).toContain(preset);
});

test("names of presets and strange ones stay as they are", () => {
  for (const name of [...PRESET_NAMES, "toString", "x"]) expect(canonicalPreset(name)).toBe(name);
});
