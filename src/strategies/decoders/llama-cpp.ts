import { randomScorer } from "../pieces/scorer.ts";
import { quotaSelector } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import { dreamPreset } from "./dream.ts";

/**
 * llama.cpp runs Dream's decoders by the times of Dream's schedule (`--diffusion-eps`), or in blocks whose steps share the
 * tokens evenly (`--diffusion-block-length`).
 */
export function withSchedule(preset: Preset): Preset {
  return {
    ...preset,
    keys: [...preset.keys, "schedule"],
    pieces: (settings, model) => {
      const pieces = preset.pieces(settings, model);
      if (settings.schedule !== "even") return pieces;
      const { plan } = quotaSelector({ steps: settings.steps, keepZeroSteps: false });
      return { ...pieces, selector: { ...pieces.selector, plan: plan! } };
    },
  };
}

/** Its algorithm 3. A temperature of the order (`algTemp`) leaves a random order random. */
export const dreamRandomPreset: Preset = {
  title: "Dream, at random: as many tokens a step as Dream takes, in random order",
  keys: ["steps", "algTemp", "eps"],
  defaults: { block: Number.MAX_SAFE_INTEGER },
  pieces: (settings, model) => {
    const { pieces } = dreamPreset("probability", "");
    return { ...pieces(settings, model), scorer: randomScorer };
  },
};
