import { UnmaskError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import { fixedBlocks } from "./blocks.ts";
import { cfgGuidance } from "./guidance.ts";
import type { RecipeInput } from "./recipe.ts";
import { gumbelSampler } from "./sampler.ts";
import { probabilityScorer, randomScorer } from "./scorer.ts";
import { quotaSelector, thresholdSelector } from "./selector.ts";
import type { Scorer, Selector, Strategy } from "./strategy.ts";

/** Everything a preset is built from; every field resolved and in range. */
export interface Settings {
  readonly length: number;
  readonly block: number;
  readonly steps: number;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly threshold: number;
  readonly guidance: { readonly cfg: number };
}

export interface Preset {
  readonly title: string;
  /** Keys that mean something to this preset besides those that every preset takes. */
  readonly keys: readonly (keyof RecipeInput & keyof Settings)[];
  readonly scorer: Scorer;
  selector(settings: Settings): Selector;
}

/** Keys every preset takes. */
export const COMMON_KEYS = [
  "preset",
  "length",
  "block",
  "temperature",
  "topK",
  "topP",
  "cache",
  "guidance",
  "stop",
] as const satisfies readonly (keyof RecipeInput)[];

export const PRESETS: Readonly<Record<string, Preset>> = {
  llada: {
    title: "LLaDA: a fixed number of most confident tokens a step",
    keys: ["steps"],
    scorer: probabilityScorer,
    selector: ({ steps }) => quotaSelector({ steps, keepZeroSteps: false }),
  },
  "llada-random": {
    title: "LLaDA: a fixed number of tokens a step, in random order",
    keys: ["steps"],
    scorer: randomScorer,
    selector: ({ steps }) => quotaSelector({ steps, keepZeroSteps: false }),
  },
  "fast-dllm": {
    title: "Fast-dLLM: every token at or above a confidence threshold",
    keys: ["threshold"],
    scorer: probabilityScorer,
    selector: ({ threshold }) => thresholdSelector(threshold),
  },
};

export const PRESET_NAMES: readonly string[] = Object.keys(PRESETS);

/** @throws UnmaskError `unknown-recipe` naming the nearest of the presets and of `others` */
export function findPreset(name: string, others: readonly string[] = []): Preset {
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (preset !== undefined) return preset;
  const shown = name.slice(0, 60);
  const near = nearest(name, [...PRESET_NAMES, ...others]);
  throw new UnmaskError("unknown-recipe", `There is no recipe "${shown}". Did you mean "${near}"?`, {
    detail: { recipe: shown, nearest: near },
  });
}

/** The strategy of a preset, without a stop rule: that one depends on the model. */
export function buildStrategy(preset: Preset, settings: Settings): Strategy {
  return {
    blocks: fixedBlocks(settings.block),
    sampler: gumbelSampler(settings),
    scorer: preset.scorer,
    selector: preset.selector(settings),
    guidance: cfgGuidance(settings.guidance.cfg),
  };
}
