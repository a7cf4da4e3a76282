import { type CacheInput, resolveCache, writeCache } from "../cache/choice.ts";
import { composeCache } from "../cache/compose.ts";
import type { Constraint } from "../constraints/input.ts";
import { UnmaskError } from "../core/errors.ts";
import type { GenerateOptions } from "../core/job.ts";
import { nearest } from "../core/nearest.ts";
import type { Manifest } from "../model/manifest.ts";
import { gridBlocks } from "../strategies/blocks.ts";
import { eosStop } from "../strategies/eos-stop.ts";
import type { Preset, Settings } from "../strategies/preset.ts";
import { buildStrategy, COMMON_KEYS, canonicalPreset, findPreset } from "../strategies/presets.ts";
import { parseRecipe, type RecipeInput } from "../strategies/recipe.ts";
import type { ModelTraits, StopRule, Strategy } from "../strategies/strategy.ts";

/** What planning needs to know about a bundle. */
export type ModelFacts = Pick<
  Manifest,
  "vocab" | "tokens" | "maxCanvas" | "attention" | "logitsShift" | "recipes" | "modes" | "name"
> & {
  /** Ids that end a sentence or a line, when the tokenizer has them. */
  readonly delimiters?: readonly number[];
};

/** The recipe with every default filled in: parsing it again gives the same plan. */
export interface ResolvedRecipe {
  readonly preset: string;
  readonly length: number;
  readonly block: number;
  readonly steps?: number;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly threshold?: number;
  readonly factor?: number;
  readonly gamma?: number;
  readonly cache: CacheInput;
  readonly constraint?: Constraint;
  readonly guidance: { readonly cfg: number };
  readonly stop: { readonly eos: boolean };
}

/** One generation, decided: nothing below looks at options again. */
export interface GeneratePlan {
  readonly strategy: Strategy;
  readonly traits: ModelTraits;
  readonly recipe: ResolvedRecipe;
  readonly seed: number;
}

/** The region to fill: a continuation takes its length from the options, an infill from the gaps in the text. */
export type Region =
  | { readonly kind: "generate"; readonly promptCells: number }
  | { readonly kind: "infill"; readonly gapCells: number };

const DEFAULT_LENGTH = 128;
const DEFAULTS = { block: 32, temperature: 0, topK: 0, topP: 1, threshold: 0.9, factor: 1, gamma: 0.1 };
const MAX_SEED = 0xffff_ffff;

/**
 * Resolves options against a bundle.
 *
 * A continuation without an explicit length takes 128 cells, or what the model has room for. `block` is cut to the
 * length, the last block may be short, and `steps` is kept between the number of blocks and the length: a step commits
 * at least one token and every block takes at least one step. An infill has the length of its gaps, whatever the
 * options say, and never ends early.
 *
 * @throws UnmaskError `invalid-options`, `unknown-recipe`, `prompt-too-long`
 */
export function planGeneration(options: GenerateOptions, model: ModelFacts, region: Region): GeneratePlan {
  const { name, input } = findRecipe(options, model);
  const preset = findPreset(name, Object.keys(model.recipes));
  const allowed: readonly string[] = [...COMMON_KEYS, ...preset.keys];
  for (const key of Object.keys(input)) {
    if (!allowed.includes(key)) throw invalid(key, `The recipe key "${key}" does not apply to ${name}.`);
  }
  if (preset.continuationOnly === true && region.kind === "infill") {
    throw invalid(
      "recipe",
      `The recipe ${name} changes the length of the text, so it cannot fill gaps of fixed length.`,
    );
  }
  if (input.constraint !== undefined && (preset.overrules === true || preset.continuationOnly === true)) {
    throw invalid(
      "constraint",
      `The recipe ${name} writes what it has not chosen token by token, so it takes no constraint.`,
    );
  }
  const length =
    region.kind === "infill" ? region.gapCells : continuationLength(options, input, preset, model, region);
  const settings = settingsOf(options, input, preset, length);
  const eos = region.kind === "generate" && endsAtEos(input, model);
  const strategy = buildStrategy(preset, settings, {
    eos: region.kind === "generate" ? model.tokens.eos : [],
    pad: padId(model),
    delimiters: model.delimiters ?? [],
    room: region.kind === "generate" ? model.maxCanvas - region.promptCells : length,
  });
  const stopping = eos ? withStop(strategy, eosStop(model.tokens.eos, padId(model))) : strategy;
  // Block K/V are exact, so nothing speaks against them.
  const choice = resolveCache(input.cache ?? (model.attention.kind === "full" ? "none" : "block"));
  const cache = composeCache(choice, model.attention, strategy.demands);
  return {
    strategy: {
      ...stopping,
      ...(cache === undefined ? {} : { cache }),
      ...(model.attention.kind === "full" ? {} : { blocks: gridBlocks(settings.block, model.attention) }),
    },
    traits: traitsOf(model, region),
    seed: seedOf(options),
    recipe: {
      preset: name,
      length,
      block: settings.block,
      ...(preset.keys.includes("steps") ? { steps: settings.steps } : {}),
      temperature: settings.temperature,
      topK: settings.topK,
      topP: settings.topP,
      ...(preset.keys.includes("threshold") ? { threshold: settings.threshold } : {}),
      ...(preset.keys.includes("factor") ? { factor: settings.factor } : {}),
      ...(preset.keys.includes("gamma") ? { gamma: settings.gamma } : {}),
      cache: writeCache(choice),
      ...(input.constraint === undefined ? {} : { constraint: input.constraint }),
      guidance: settings.guidance,
      stop: { eos },
    },
  };
}

/** Options of the call win over the recipe, the recipe over the preset, the preset over the common defaults. */
function settingsOf(options: GenerateOptions, input: RecipeInput, preset: Preset, length: number): Settings {
  const chosen = (key: keyof typeof DEFAULTS): number =>
    input[key] ?? preset.defaults?.[key] ?? DEFAULTS[key];
  const block = Math.min(chosen("block"), length);
  return {
    length,
    block,
    steps: Math.min(length, Math.max(Math.ceil(length / block), input.steps ?? length)),
    temperature: options.temperature ?? chosen("temperature"),
    topK: chosen("topK"),
    topP: chosen("topP"),
    threshold: chosen("threshold"),
    factor: chosen("factor"),
    gamma: chosen("gamma"),
    guidance: { cfg: input.guidance?.cfg ?? 0 },
  };
}

/** Adds a rule to a strategy that may have one already; the strategy's own is asked first. */
function withStop(strategy: Strategy, rule: StopRule): Strategy {
  const own = strategy.stop;
  if (own === undefined) return { ...strategy, stop: rule };
  return { ...strategy, stop: { ...own, stop: (step) => own.stop(step) ?? rule.stop(step) } };
}

/** Names a caller can pass as `recipe`: the bundle's own, then the presets that it does not redefine. */
export function recipeNames(model: Pick<ModelFacts, "recipes">, presets: readonly string[]): string[] {
  return [...new Set([...Object.keys(model.recipes), ...presets])];
}

/** Follows names (the bundle's recipes may name presets or each other) down to a preset and a checked object. */
function findRecipe(options: GenerateOptions, model: ModelFacts): { name: string; input: RecipeInput } {
  checkNumber("temperature", options.temperature, 0, 10);
  checkNumber("maxNewTokens", options.maxNewTokens, 1, model.maxCanvas, true);
  let value = options.recipe ?? model.recipes.default;
  for (let hops = 0; typeof value === "string" && Object.hasOwn(model.recipes, value) && hops < 8; hops++) {
    if (model.recipes[value] === value) break;
    value = model.recipes[value];
  }
  if (typeof value === "string") return { name: canonicalPreset(value), input: {} };
  const input = parseRecipe(value);
  if (input.preset !== undefined) return { name: canonicalPreset(input.preset), input };
  return { name: input.threshold === undefined ? "llada" : "fast-dllm", input };
}

function continuationLength(
  options: GenerateOptions,
  input: RecipeInput,
  preset: Preset,
  { maxCanvas }: ModelFacts,
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

function endsAtEos(input: RecipeInput, model: ModelFacts): boolean {
  if (input.stop?.eos === true && model.tokens.eos.length === 0) {
    throw invalid("stop.eos", `The model ${model.name} has no end-of-text token.`);
  }
  return input.stop?.eos ?? (model.tokens.pad !== undefined && model.tokens.eos.length > 0);
}

function padId({ tokens }: ModelFacts): number {
  return tokens.pad ?? tokens.eos[0]!;
}

/** A gap is to be filled with text, so an infill cannot choose the tokens that mean "nothing more". */
function traitsOf({ tokens, attention, logitsShift }: ModelFacts, region: Region): ModelTraits {
  const never = [tokens.mask, ...(tokens.suppress ?? [])];
  const endings = [...tokens.eos, ...(tokens.pad === undefined ? [] : [tokens.pad])];
  return {
    maskId: tokens.mask,
    suppress: [...new Set(region.kind === "infill" ? [...never, ...endings] : never)],
    attention,
    logitsShift,
  };
}

function seedOf({ seed }: GenerateOptions): number {
  checkNumber("seed", seed, 0, MAX_SEED, true);
  return seed ?? 0;
}

function checkNumber(
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

function invalid(option: string, message: string): UnmaskError {
  return new UnmaskError("invalid-options", message, { detail: { option } });
}

/** The entry of the bundle's modes that `name` asks for; without a name the first, without modes an empty one. */
export function findMode(
  name: string | undefined,
  { modes }: Pick<ModelFacts, "modes">,
): { readonly prefix: readonly number[]; readonly suffix: readonly number[] } {
  const names = Object.keys(modes);
  const wanted = name ?? names[0];
  if (wanted === undefined) return { prefix: [], suffix: [] };
  if (Object.hasOwn(modes, wanted)) return modes[wanted]!;
  const near = nearest(wanted, names);
  const hint = near === "" ? "This model has no modes." : `Did you mean "${near}"?`;
  throw invalid("mode", `There is no mode "${wanted.slice(0, 60)}". ${hint}`);
}
