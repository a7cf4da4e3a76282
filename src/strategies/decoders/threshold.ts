import { thresholdSelector } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";

/** Fast-dLLM (arXiv 2505.22618): as many tokens a step as the model is sure of. */
export const fastDllmPreset: Preset = {
  title: "Fast-dLLM: every token at or above a confidence threshold",
  keys: ["threshold"],
  pieces: ({ threshold }) => ({ selector: thresholdSelector(threshold) }),
};
