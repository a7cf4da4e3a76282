import { type CacheInput, resolveCache, writeCache } from "../cache/choice.ts";
import { composeCache } from "../cache/compose.ts";
import { UnmaskError } from "../core/errors.ts";
import type { GenerateOptions } from "../core/job.ts";
import { nearest } from "../core/nearest.ts";
import type { Manifest } from "../model/manifest.ts";
import { gridBlocks } from "../strategies/blocks.ts";
import { eosStop } from "../strategies/eos-stop.ts";
import { buildStrategy, COMMON_KEYS, findPreset, type Settings } from "../strategies/presets.ts";
import { parseRecipe, type RecipeInput } from "../strategies/recipe.ts";
import type { ModelTraits, Strategy } from "../strategies/strategy.ts";

/** What planning needs to know about a bundle. */
export type ModelFacts = Pick<
  Manifest,
  "vocab" | "tokens" | "maxCanvas" | "attention" | "logitsShift" | "recipes" | "modes" | "name"
>;

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
  readonly cache: CacheInput;
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
const DEFAULT_BLOCK = 32;
const DEFAULT_THRESHOLD = 0.9;
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
  const length =
    region.kind === "infill" ? region.gapCells : continuationLength(options, input, model, region);
  const block = Math.min(input.block ?? DEFAULT_BLOCK, length);
  const settings: Settings = {
    length,
    block,
    steps: Math.min(length, Math.max(Math.ceil(length / block), input.steps ?? length)),
    temperature: options.temperature ?? input.temperature ?? 0,
    topK: input.topK ?? 0,
    topP: input.topP ?? 1,
    threshold: input.threshold ?? DEFAULT_THRESHOLD,
    guidance: { cfg: input.guidance?.cfg ?? 0 },
  };
  const eos = region.kind === "generate" && endsAtEos(input, model);
  const strategy = buildStrategy(preset, settings);
  // Exact, so nothing speaks against it.
  const fallback = model.attention.kind === "full" ? "none" : "block";
  const choice = resolveCache(input.cache ?? fallback);
  const cache = composeCache(choice, model.attention, strategy.demands);
  return {
    strategy: {
      ...strategy,
      ...(eos ? { stop: eosStop(model.tokens.eos, padId(model)) } : {}),
      ...(cache === undefined ? {} : { cache }),
      ...(model.attention.kind === "full" ? {} : { blocks: gridBlocks(block, model.attention) }),
    },
    traits: traitsOf(model, region),
    seed: seedOf(options),
    recipe: {
      preset: name,
      length,
      block,
      ...(preset.keys.includes("steps") ? { steps: settings.steps } : {}),
      temperature: settings.temperature,
      topK: settings.topK,
      topP: settings.topP,
      ...(preset.keys.includes("threshold") ? { threshold: settings.threshold } : {}),
      cache: writeCache(choice),
      guidance: settings.guidance,
      stop: { eos },
    },
  };
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
  if (typeof value === "string") return { name: value, input: {} };
  const input = parseRecipe(value);
  return { name: input.preset ?? (input.threshold === undefined ? "llada" : "fast-dllm"), input };
}

function continuationLength(
  options: GenerateOptions,
  input: RecipeInput,
  { maxCanvas }: ModelFacts,
  { promptCells }: { readonly promptCells: number },
): number {
  const asked = options.maxNewTokens ?? input.length;
  const room = maxCanvas - promptCells;
  if (asked !== undefined && asked <= room) return asked;
  if (asked === undefined && room > 0) return Math.min(DEFAULT_LENGTH, room);
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
