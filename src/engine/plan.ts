import { type CacheInput, resolveCache, writeCache } from "../cache/choice.ts";
import { type CacheDemands, composeCache } from "../cache/compose.ts";
import type { Constraint } from "../constraints/input.ts";
import type { GenerateOptions } from "../core/job.ts";
import { parseFrequency } from "../model/frequency.ts";
import type { Manifest } from "../model/manifest.ts";
import { resolveSearch, type Search } from "../search/input.ts";
import { watchingAll } from "../search/vote.ts";
import { gridBlocks } from "../strategies/blocks.ts";
import { daedalPieces } from "../strategies/decoders/daedal.ts";
import { entropyGuard } from "../strategies/decoders/entropy-guard.ts";
import { type EotpGuard, eotpControl } from "../strategies/decoders/eotp.ts";
import { type DraftCheck, scepticalReviser } from "../strategies/decoders/warm-start.ts";
import { eosStop } from "../strategies/eos-stop.ts";
import type { GuidanceSettings } from "../strategies/preset.ts";
import { buildStrategy, COMMON_KEYS, canonicalPreset, findPreset } from "../strategies/presets.ts";
import { parseRecipe, type RecipeInput } from "../strategies/recipe.ts";
import type { ModelTraits, StopRule, Strategy } from "../strategies/strategy.ts";
import { commitFilter } from "./commit-filter.ts";
import { eotpGuard, writeEotp } from "./eotp.ts";
import { checkFit, goesBack } from "./fit.ts";
import { blockOf, checkNumber, continuationLength, invalid, settingsOf } from "./settings.ts";

/** What planning needs to know about a bundle. */
export type ModelFacts = Pick<
  Manifest,
  | "vocab"
  | "tokens"
  | "maxCanvas"
  | "attention"
  | "logitsShift"
  | "frequency"
  | "filters"
  | "recipes"
  | "modes"
  | "name"
  | "chat"
> & {
  /** 0: the graph gives no keys and values, so nothing can be cached. */
  readonly layers?: number;
  /** Weights in use, where filters differ by them. */
  readonly variant?: string;
  /** Ids that end a sentence or a line, when the tokenizer has them. */
  readonly delimiters?: readonly number[];
};

/** The recipe with every default filled in: parsing it again gives the same plan. */
export interface ResolvedRecipe {
  readonly preset: string;
  readonly length: number;
  readonly block: number;
  readonly steps?: number | readonly number[];
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly threshold?: number;
  readonly factor?: number;
  readonly gamma?: number;
  readonly cache: CacheInput;
  readonly lengthControl?: NonNullable<RecipeInput["lengthControl"]>;
  readonly constraint?: Constraint;
  readonly guidance: GuidanceSettings;
  /** Tokens that were committed may still change. */
  readonly remask?: true | { readonly entropyGuard: number };
  readonly init?: NonNullable<RecipeInput["init"]>;
  readonly stop: { readonly eos: boolean; readonly eotp?: false | Partial<EotpGuard> };
  readonly search?: Search;
}

/** One generation, decided: nothing below looks at options again. */
export interface GeneratePlan {
  readonly strategy: Strategy;
  readonly traits: ModelTraits;
  readonly recipe: ResolvedRecipe;
  readonly seed: number;
  /** Absent: one text is written. */
  readonly search?: Search;
}

/** What the caller brings besides options. */
export interface Caller {
  /** A function that scores the texts of a search. */
  readonly hasScore?: boolean;
  /** A companion that reads along. */
  readonly hasCompanion?: boolean;
}

/** The region to fill: a continuation takes its length from the options, an infill from the gaps in the text. */
export type Region =
  | { readonly kind: "generate"; readonly promptCells: number }
  | { readonly kind: "infill"; readonly gapCells: number };

const MAX_SEED = 0xffff_ffff;
/** Cells that DAEDAL begins with. */
const DAEDAL_START = 64;

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
export function planGeneration(
  options: GenerateOptions,
  model: ModelFacts,
  region: Region,
  { hasScore = false, hasCompanion = false }: Caller = {},
): GeneratePlan {
  const { name, input } = findRecipe(options, model);
  const preset = findPreset(name, Object.keys(model.recipes));
  const allowed: readonly string[] = [...COMMON_KEYS, ...preset.keys];
  for (const key of Object.keys(input)) {
    if (!allowed.includes(key)) throw invalid(key, `The recipe key "${key}" does not apply to ${name}.`);
  }
  const grows = typeof input.lengthControl === "object" ? input.lengthControl.daedal : undefined;
  const length =
    region.kind === "infill"
      ? region.gapCells
      : continuationLength(
          options,
          input,
          grows === undefined
            ? preset
            : { ...preset, defaults: { ...preset.defaults, length: DAEDAL_START } },
          model,
          region,
        );
  const settings = settingsOf(options, input, preset, length);
  const eos = region.kind === "generate" && endsAtEos(input, model);
  const search = input.search === undefined ? undefined : resolveSearch(input.search, hasScore);
  const hints = {
    eos: region.kind === "generate" ? model.tokens.eos : [],
    pad: padId(model),
    delimiters: model.delimiters ?? [],
    room: region.kind === "generate" ? model.maxCanvas - region.promptCells : length,
  };
  const alone = buildStrategy(preset, settings, {
    ...hints,
    companion: hasCompanion,
    ...(model.frequency === undefined || name !== "pc"
      ? {}
      : { frequency: parseFrequency(model.frequency, model.vocab) }),
    ...(name === "learn2pd" ? { filter: commitFilter(model, blockOf(input, preset)) } : {}),
  });
  const built = grows === undefined ? alone : growing(alone, daedalPieces(grows, settings, hints));
  const strategy = search?.method === "vote" ? watchingAll(built) : built;
  const check = draftCheck(input);
  const demands = {
    ...strategy.demands,
    ...(strategy.guide === undefined ? {} : { skipsBranch: true }),
    ...(check === "hidden" ? { drafts: true as const } : {}),
  };
  const choice = resolveCache(input.cache ?? defaultCache(model, demands, search));
  const cachePolicy = choice.policy;
  const asked = {
    name,
    preset,
    input,
    settings,
    strategy,
    alone,
    model,
    region,
    search,
    hasScore,
    hasCompanion,
    cachePolicy,
  };
  checkFit(asked);
  const eotp = eotpGuard(asked);
  const guard = typeof input.remask === "object" ? input.remask : undefined;
  const stopping = eos ? withStop(strategy, eosStop(model.tokens.eos, padId(model))) : strategy;
  if (model.layers === 0 && choice.policy !== "none") {
    throw invalid("cache", `The model ${model.name} computes full forwards only, so it takes no cache.`);
  }
  const cache = composeCache(choice, model.attention, demands);
  return {
    strategy: {
      ...stopping,
      ...(eotp === null
        ? {}
        : {
            length: eotpControl({
              ...eotp,
              eosIds: model.tokens.eos,
              // Other caches compute little more than the block.
              scope: choice.policy === "none" || choice.policy === "prefix" ? "canvas" : "block",
            }),
          }),
      ...(input.init === undefined || check === undefined
        ? {}
        : { reviser: scepticalReviser(input.init.keep ?? 0.3, check) }),
      ...(guard === undefined ? {} : { reviser: entropyGuard(guard.entropyGuard) }),
      ...(cache === undefined ? {} : { cache }),
      ...(model.attention.kind === "full" ? {} : { blocks: gridBlocks(settings.block, model.attention) }),
    },
    traits: traitsOf(model, region),
    seed: seedOf(options),
    ...(search === undefined ? {} : { search }),
    recipe: {
      preset: name,
      length,
      block: settings.block,
      ...(preset.keys.includes("steps")
        ? { steps: settings.table.length > 0 ? settings.table : settings.steps }
        : {}),
      temperature: settings.temperature,
      topK: settings.topK,
      topP: settings.topP,
      ...(preset.keys.includes("threshold") ? { threshold: settings.threshold } : {}),
      ...(preset.keys.includes("factor") ? { factor: settings.factor } : {}),
      ...(preset.keys.includes("gamma") ? { gamma: settings.gamma } : {}),
      cache: writeCache(choice),
      ...(input.lengthControl === undefined ? {} : { lengthControl: input.lengthControl }),
      ...(input.constraint === undefined ? {} : { constraint: input.constraint }),
      guidance: settings.guidance,
      ...(input.init === undefined ? {} : { init: input.init }),
      ...(preset.revises === true || input.init !== undefined ? { remask: true } : {}),
      ...(guard === undefined ? {} : { remask: guard }),
      stop: { eos, ...writeEotp(eotp, preset.eotp) },
      ...(search === undefined ? {} : { search }),
    },
  };
}

/** A strategy whose canvas grows: blocks follow the length, the selector stays its own. */
function growing(strategy: Strategy, { length, blocks }: ReturnType<typeof daedalPieces>): Strategy {
  return { ...strategy, length, blocks, demands: { ...strategy.demands, looksAhead: true } };
}

/** Caches and guidance have nothing for further canvases. */
function draftCheck({ init, cache, guidance }: RecipeInput): DraftCheck | undefined {
  if (init === undefined) return undefined;
  const isPlain = (cache === undefined || cache === "none") && (guidance?.cfg ?? 0) === 0;
  return init.check ?? (isPlain ? "hidden" : "seen");
}

/** Block K/V are exact, so nothing speaks against them where they fit. */
function defaultCache(
  model: ModelFacts,
  demands: CacheDemands,
  search: Search | undefined,
): "block" | "none" {
  const fits =
    demands.drafts !== true && demands.skipsBranch !== true && !(search !== undefined && goesBack(search));
  return model.attention.kind === "block-causal" && model.layers !== 0 && fits ? "block" : "none";
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
