import { firstScorer, randomScorer } from "../pieces/scorer.ts";
import { quotaSelector } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";

/** LLaDA (arXiv 2502.09992, generate.py): a fixed number of tokens a step, the most probable ones. */
export const lladaPreset: Preset = {
  title: "LLaDA: a fixed number of most confident tokens a step",
  keys: ["steps"],
  pieces: ({ steps }) => ({ selector: quotaSelector({ steps, keepZeroSteps: false }) }),
};

/** BD3-LM's first-hitting sampler (arXiv 2503.09573): whatever the times, each forward reveals one mask, any of them. */
export const firstHittingPreset: Preset = {
  title: "First hitting: one random mask a forward, its token drawn",
  keys: [],
  defaults: { temperature: 1 },
  pieces: ({ length }) => ({
    selector: quotaSelector({ steps: length, keepZeroSteps: false }),
    scorer: randomScorer,
  }),
};

export const lladaRandomPreset: Preset = {
  title: "LLaDA: a fixed number of tokens a step, in random order",
  keys: ["steps"],
  pieces: ({ steps }) => ({ selector: quotaSelector({ steps, keepZeroSteps: false }), scorer: randomScorer }),
};

/** SDAR's `sequential` (arXiv 2510.06303). */
export const sequentialPreset: Preset = {
  title: "SDAR: a fixed number of tokens a step, from left to right",
  keys: ["steps"],
  pieces: ({ steps }) => ({ selector: quotaSelector({ steps, keepZeroSteps: false }), scorer: firstScorer }),
};
