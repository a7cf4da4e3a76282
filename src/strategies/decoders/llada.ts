import type { Preset } from "../preset.ts";
import { randomScorer } from "../scorer.ts";
import { quotaSelector } from "../selector.ts";

/** LLaDA (arXiv 2502.09992, generate.py): a fixed number of tokens a step, the most probable ones. */
export const lladaPreset: Preset = {
  title: "LLaDA: a fixed number of most confident tokens a step",
  keys: ["steps"],
  pieces: ({ steps }) => ({ selector: quotaSelector({ steps, keepZeroSteps: false }) }),
};

export const lladaRandomPreset: Preset = {
  title: "LLaDA: a fixed number of tokens a step, in random order",
  keys: ["steps"],
  pieces: ({ steps }) => ({ selector: quotaSelector({ steps, keepZeroSteps: false }), scorer: randomScorer }),
};
