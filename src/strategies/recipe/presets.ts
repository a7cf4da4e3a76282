import { UnmaskError } from "../../core/errors.ts";
import { nearest } from "../../core/nearest.ts";
import { fixedBlocks } from "../blocks.ts";
import { adablockPreset } from "../decoders/adablock.ts";
import { ancestralPreset } from "../decoders/ancestral.ts";
import { creditPreset } from "../decoders/credit.ts";
import { daedalPreset } from "../decoders/daedal.ts";
import { dreamPreset } from "../decoders/dream.ts";
import { blockDynamicPreset } from "../decoders/dynamic-block.ts";
import { dparallelPreset, ebPreset } from "../decoders/entropy-bound.ts";
import { factorPreset } from "../decoders/factor.ts";
import { freeDavePreset } from "../decoders/freedave.ts";
import { guidedPreset } from "../decoders/guided.ts";
import { hierarchyPreset } from "../decoders/hierarchy.ts";
import { klassPreset } from "../decoders/klass.ts";
import { learn2pdPreset } from "../decoders/learn2pd.ts";
import { firstHittingPreset, lladaPreset, lladaRandomPreset, sequentialPreset } from "../decoders/llada.ts";
import { dreamRandomPreset, withSchedule } from "../decoders/llama-cpp.ts";
import { localLeapPreset } from "../decoders/local-leap.ts";
import { rediffPreset } from "../decoders/overwrite.ts";
import { pcPreset } from "../decoders/pc-sampler.ts";
import { prophetPreset } from "../decoders/prophet.ts";
import { quotaTablePreset } from "../decoders/quota-table.ts";
import {
  mdlmPreset,
  remdmCapPreset,
  remdmConfPreset,
  remdmLoopPreset,
  remdmRescalePreset,
} from "../decoders/remask-ancestral.ts";
import { remdmPreset } from "../decoders/remask-loop.ts";
import { gemmaEbPreset } from "../decoders/renoise.ts";
import { saberPreset } from "../decoders/saber.ts";
import { slowFastPreset } from "../decoders/slowfast.ts";
import { fastDllmPreset } from "../decoders/threshold.ts";
import { llada2EditPreset } from "../decoders/token-edit.ts";
import { warmStartPreset } from "../decoders/warm-start.ts";
import { winoPreset } from "../decoders/wino.ts";
import { adaptiveGuidance, cfgGuidance, residualGuidance, weakGuidance } from "../pieces/guidance.ts";
import { gumbelSampler } from "../pieces/sampler.ts";
import { probabilityScorer } from "../pieces/scorer.ts";
import type { GuidanceControl, Strategy } from "../strategy.ts";
import type { GuidanceSettings, ModelHints, Preset, Settings } from "./preset.ts";
import type { RecipeInput } from "./recipe.ts";

/** Keys every preset takes. */
export const COMMON_KEYS = [
  "preset",
  "length",
  "block",
  "temperature",
  "topK",
  "topP",
  "cache",
  "lengthControl",
  "constraint",
  "init",
  "remask",
  "guidance",
  "suppress",
  "stop",
  "search",
] as const satisfies readonly (keyof RecipeInput)[];

/** The presets by name. */
export const PRESETS: Readonly<Record<string, Preset>> = {
  llada: lladaPreset,
  "llada-random": lladaRandomPreset,
  sequential: sequentialPreset,
  "dream-origin": ancestralPreset,
  mdlm: mdlmPreset,
  "first-hitting": firstHittingPreset,
  maskgit: withSchedule(
    dreamPreset("probability", "MaskGIT order: by the probability after temperature and top-p"),
  ),
  "dream-margin": withSchedule(dreamPreset("margin", "Dream: by the gap between the two best tokens")),
  "dream-entropy": withSchedule(dreamPreset("entropy", "Dream: least entropy first")),
  "dream-random": withSchedule(dreamRandomPreset),
  "fast-dllm": fastDllmPreset,
  factor: factorPreset,
  eb: ebPreset,
  dparallel: dparallelPreset,
  klass: klassPreset,
  credit: creditPreset,
  learn2pd: learn2pdPreset,
  localleap: localLeapPreset,
  hierarchy: hierarchyPreset,
  slowfast: overWholeText(slowFastPreset),
  prophet: prophetPreset,
  adablock: adablockPreset,
  daedal: daedalPreset,
  pc: pcPreset,
  guided: guidedPreset,
  "quota-table": quotaTablePreset,
  wino: winoPreset,
  saber: saberPreset,
  remdm: remdmPreset,
  "remdm-cap": remdmCapPreset,
  "remdm-rescale": remdmRescalePreset,
  "remdm-conf": remdmConfPreset,
  "remdm-loop": remdmLoopPreset,
  rediff: rediffPreset,
  "gemma-eb": gemmaEbPreset,
  freedave: freeDavePreset,
  "warm-start": warmStartPreset,
  "block-dynamic": blockDynamicPreset,
  "llada2-edit": llada2EditPreset,
};

/** As one block: SlowFast finds its stretches in the whole text. */
function overWholeText(preset: Preset): Preset {
  return { ...preset, defaults: { ...preset.defaults, block: Number.MAX_SAFE_INTEGER } };
}

/** Names of the presets, in the order in which they are listed to people. */
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

/** The control of guidance that changes during a run. */
function guideOf({ cfg, keep = [], adaptive, residual, weak }: GuidanceSettings): {
  readonly guide?: GuidanceControl;
} {
  if (cfg === 0) return {};
  if (adaptive !== undefined) return { guide: adaptiveGuidance({ scale: cfg, keep, ...adaptive }) };
  if (weak !== undefined) return { guide: weakGuidance({ scale: cfg, ...weak }) };
  return residual === undefined ? {} : { guide: residualGuidance({ scale: cfg, keep, ...residual }) };
}

/** The strategy of a preset; the stop at the end of the text depends on the recipe and is not part of it. */
export function buildStrategy(preset: Preset, settings: Settings, model: ModelHints): Strategy {
  return {
    blocks: fixedBlocks(settings.block),
    sampler: gumbelSampler(settings),
    scorer: probabilityScorer,
    guidance: cfgGuidance(settings.guidance.cfg, settings.guidance.keep),
    ...guideOf(settings.guidance),
    ...preset.pieces(settings, model),
  };
}
