import { UnmaskError } from "../../core/errors.ts";
import type { GenerateOptions } from "../../core/job.ts";
import type { GuidanceSettings, Preset, Settings } from "../../strategies/recipe/preset.ts";
import type { RecipeInput } from "../../strategies/recipe/recipe.ts";

const DEFAULT_LENGTH = 128;
const DEFAULTS = { block: 32, temperature: 0, topK: 0, topP: 1, threshold: 0.9, factor: 1, gamma: 0.1 };

/** Options of the call win over the recipe, the recipe over the preset, the preset over the common defaults. */
export function settingsOf(
  options: GenerateOptions,
  input: RecipeInput,
  preset: Preset,
  length: number,
): Settings {
  const chosen = (key: keyof typeof DEFAULTS): number =>
    input[key] ?? preset.defaults?.[key] ?? DEFAULTS[key];
  const block = Math.min(blockOf(input, preset), length);
  return {
    length,
    block,
    steps: Math.min(
      preset.moreSteps === true ? Number.POSITIVE_INFINITY : length,
      Math.max(Math.ceil(length / block), typeof input.steps === "number" ? input.steps : length),
    ),
    table: typeof input.steps === "object" ? input.steps : [],
    temperature: options.temperature ?? chosen("temperature"),
    topK: chosen("topK"),
    topP: chosen("topP"),
    threshold: chosen("threshold"),
    factor: chosen("factor"),
    gamma: chosen("gamma"),
    ...(input.algTemp === undefined ? {} : { algTemp: input.algTemp }),
    ...(input.eps === undefined ? {} : { eps: input.eps }),
    ...(input.schedule === undefined ? {} : { schedule: input.schedule }),
    ...renoiseOf(input, preset),
    guidance: guidanceOf(input),
  };
}

function renoiseOf({ renoise: asked = {} }: RecipeInput, { defaults }: Preset): Pick<Settings, "renoise"> {
  const usual = defaults?.renoise;
  if (usual === undefined) return {};
  const { tMin, steps, stability, confidence } = asked;
  return {
    renoise: {
      tMin: tMin ?? usual.tMin,
      steps: steps ?? usual.steps,
      stability: stability ?? usual.stability,
      confidence: confidence ?? usual.confidence,
    },
  };
}

function guidanceOf({ guidance }: RecipeInput): GuidanceSettings {
  if (guidance === undefined) return { cfg: 0 };
  const { cfg, keep, adaptive, residual, weak } = guidance;
  return {
    cfg,
    ...(keep && { keep }),
    ...(adaptive && { adaptive: { cosine: adaptive.cosine ?? 0.93, steps: adaptive.steps ?? 1 } }),
    ...(residual && { residual: { every: residual.every ?? 0, decay: residual.decay ?? 1 } }),
    ...(weak && { weak: { share: weak.share ?? 0.3 } }),
  };
}

/** Cells of a block, before a short text cuts it. */
export function blockOf(input: RecipeInput, preset: Preset): number {
  return input.block ?? preset.defaults?.block ?? DEFAULTS.block;
}

/**
 * Cells of a continuation: what was asked for, or what the preset is used to, as far as there is room.
 *
 * @throws UnmaskError `prompt-too-long`
 */
export function continuationLength(
  options: GenerateOptions,
  input: RecipeInput,
  preset: Preset,
  { maxCanvas }: { readonly maxCanvas: number },
  { promptCells }: { readonly promptCells: number },
): number {
  const asked = options.maxNewTokens ?? input.length;
  const room = maxCanvas - promptCells;
  if (asked !== undefined && asked <= room) return asked;
  if (asked === undefined && room > 0) return Math.min(preset.defaults?.length ?? DEFAULT_LENGTH, room);
  const wanted = asked ?? 1;
  throw new UnmaskError(
    "prompt-too-long",
    `The prompt has ${promptCells} tokens and ${wanted} are to be written, but the model's canvas holds ${maxCanvas}.`,
    { detail: { promptTokens: promptCells, length: wanted, maxCanvas } },
  );
}

export function checkNumber(
  option: string,
  value: number | undefined,
  low: number,
  high: number,
  whole = false,
): void {
  if (value === undefined) return;
  if (typeof value !== "number" || !(value >= low && value <= high) || (whole && !Number.isInteger(value))) {
    const kind = whole ? "a whole number" : "a number";
    throw invalid(
      option,
      `${option} must be ${kind} from ${low} to ${high}, got ${String(value).slice(0, 40)}.`,
    );
  }
}

export function invalid(option: string, message: string): UnmaskError {
  return new UnmaskError("invalid-options", message, { detail: { option } });
}
