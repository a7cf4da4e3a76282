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
    { steps: 64, preset: "4", block: 32, schedule: "even", guidance: { cfg: 1 }, algTemp: 0.2 },
  ],
  [
    "llama.cpp's random order",
    {
      "--diffusion-algorithm": 3,
      "--diffusion-eps": 0.01,
      "--diffusion-alg-temp": 0.1,
      "diffusion-visual": true,
    },
    { preset: "3", eps: 0.01, algTemp: 0.1 },
  ],
  [
    "llama.cpp's entropy bounds",
    {
      "--diffusion-eb-t-min": 0.3,
      eb_t_max: 0.9,
      "diffusion.eb_entropy_bound": 0.2,
      "--diffusion-eb-stability": 2,
      eb_confidence: 0.01,
      "--diffusion-eb-max-steps": 24,
      eb_kv_cache: true,
      "--diffusion-blocks": 3,
      "diffusion.canvas_length": 16,
    },
    {
      preset: "gemma-eb",
      temperature: 0.9,
      gamma: 0.2,
      renoise: { tMin: 0.3, stability: 2, confidence: 0.01, steps: 24 },
      block: 16,
      length: 48,
    },
  ],
  [
    "LLaDA's ends",
    { remasking: "random", logits_eos_inf: true, confidence_eos_eot_inf: false },
    { preset: "random", stop: { predict: "never" } },
  ],
  ["LLaDA's last ends", { confidence_eos_eot_inf: true }, { stop: { predict: "last" } }],
  [
    "dllm",
    { cfg_scale: 1, cfg_keep_tokens: [3], suppress_tokens: [4], begin_suppress_tokens: [5] },
    { guidance: { cfg: 1, keep: [3] }, suppress: { never: [4], last: [5] } },
  ],
  [
    "SDAR",
    { remasking: "sequential", "--diffusion-eb-kv-cache": false },
    { preset: "sequential", cache: "none" },
  ],
])("options of %s are read", (_program, options, recipe) => {
  expect(parseRecipe(options)).toEqual(recipe);
});

test("an option under two names is refused, an unknown one too", () => {
  expect(() => parseRecipe({ block: 8, block_length: 8 })).toThrow("says block twice");
  expect(() => parseRecipe({ gen_length: 8, max_new_tokens: 8 })).toThrow("says length twice");
  expect(() => parseRecipe({ "diffusion-step": 8 })).toThrow("has no key");
  expect(() => parseRecipe({ add_gumbel_noise: 1 })).toThrow("has no key");
  expect(() => parseRecipe({ confidence: 0.1 })).toThrow("has no key");
  expect(() => parseRecipe({ stop: { eos: true }, logits_eos_inf: true })).toThrow("says stop twice");
  expect(() => parseRecipe({ logits_eos_inf: true, confidence_eos_eot_inf: true })).toThrow(
    "says stop twice",
  );
  expect(() => parseRecipe({ "diffusion-eps": 0.1, "diffusion-block-length": 8 })).toThrow("either");
  expect(() => parseRecipe({ "diffusion-blocks": 2 })).toThrow("needs their length");
});

test.each([
  ["0", "dream-origin"],
  ["4", "maskgit"],
  ["ENTROPY_BASED", "dream-entropy"],
  ["topk_margin", "dream-margin"],
  ["low_confidence", "llada"],
  ["low-confidence-dynamic", "block-dynamic"],
  ["random", "llada-random"],
  ["3", "dream-random"],
  ["sequential", "sequential"],
])("%s is %s", (name, preset) => {
  expect(canonicalPreset(name).preset).toBe(preset);
  expect(PRESET_NAMES).toContain(preset);
});

test("names of presets and strange ones stay as they are", () => {
  for (const name of [...PRESET_NAMES, "toString", "x"])
    expect(canonicalPreset(name)).toEqual({ preset: name });
});

test("Dream's origin takes the best token where no temperature is said; SDAR's entropy bound is refused", () => {
  expect(canonicalPreset("origin")).toEqual({ preset: "dream-origin", temperature: 0 });
  expect(() => canonicalPreset("entropy_bounded")).toThrow("its code fails");
});
