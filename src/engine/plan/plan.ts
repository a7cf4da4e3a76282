import { resolveCache } from "../../cache/choice.ts";
import { type CacheDemands, composeCache } from "../../cache/compose.ts";
import type { GenerateOptions } from "../../core/job.ts";
import { parseFrequency } from "../../model/frequency.ts";
import { resolveSearch, type Search } from "../../search/input.ts";
import { watchingAll } from "../../search/vote.ts";
import { gridBlocks } from "../../strategies/blocks.ts";
import { type DaedalLength, daedalPieces } from "../../strategies/decoders/daedal.ts";
import { entropyGuard } from "../../strategies/decoders/entropy-guard.ts";
import { type EotpGuard, eotpControl } from "../../strategies/decoders/eotp.ts";
import { gapGrowth } from "../../strategies/decoders/gap-growth.ts";
import { scepticalReviser } from "../../strategies/decoders/warm-start.ts";
import { eosStop } from "../../strategies/pieces/eos-stop.ts";
import { withoutRepeats } from "../../strategies/pieces/no-repeat.ts";
import { endsLast } from "../../strategies/pieces/scorer.ts";
import type { Preset, Settings } from "../../strategies/recipe/preset.ts";
import { buildStrategy, COMMON_KEYS, findPreset } from "../../strategies/recipe/presets.ts";
import type { RecipeInput } from "../../strategies/recipe/recipe.ts";
import type { ModelTraits, StopRule, Strategy } from "../../strategies/strategy.ts";
import { MAX_FREE_GAP } from "../ask/free-gaps.ts";
import { type ModelFacts, padId, type Region } from "../ask/model-facts.ts";
import { blockOf, checkNumber, continuationLength, invalid, settingsOf } from "../ask/settings.ts";
import type { Asked } from "./asked.ts";
import { commitFilter } from "./commit-filter.ts";
import { draftCheck } from "./draft-rules.ts";
import { eotpGuard, eotpScope } from "./eotp.ts";
import { endsAtEos, findRecipe } from "./find-recipe.ts";
import { checkFit } from "./fit.ts";
import { goesBack } from "./fit-search.ts";
import { type ResolvedRecipe, writeRecipe } from "./resolved-recipe.ts";

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
  caller: Caller = {},
): GeneratePlan {
  const asked = resolveRecipe(options, model, region, caller);
  checkFit(asked);
  const { search, choice } = asked;
  if (model.layers === 0 && choice.policy !== "none") {
    throw invalid("cache", `The model ${model.name} computes full forwards only, so it takes no cache.`);
  }
  const eos = region.kind === "generate" && endsAtEos(asked.input, model);
  const eotp = eotpGuard(asked);
  return {
    strategy: complete(asked, eos, eotp),
    traits: traitsOf(model, region, asked.input),
    seed: seedOf(options),
    ...(search === undefined ? {} : { search }),
    recipe: writeRecipe(asked, eos, eotp),
  };
}

/** Builds what the recipe names, before it is known whether the pieces fit. */
function resolveRecipe(
  options: GenerateOptions,
  model: ModelFacts,
  region: Region,
  { hasScore = false, hasCompanion = false }: Caller,
): Asked {
  const { name, input } = findRecipe(options, model);
  const preset = findPreset(name, Object.keys(model.recipes));
  const allowed: readonly string[] = [...COMMON_KEYS, ...preset.keys];
  for (const key of Object.keys(input)) {
    if (!allowed.includes(key)) throw invalid(key, `The recipe key "${key}" does not apply to ${name}.`);
  }
  const growth = growthOf(options, input, preset, region);
  const length =
    region.kind === "infill"
      ? region.gapCells
      : growth === undefined
        ? continuationLength(options, input, preset, model, region)
        : startLength(options, input, preset, growth, model, region);
  const settings = settingsOf(options, input, preset, length);
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
  const built = growth === undefined ? alone : growing(alone, growth, settings, hints, model, region);
  const strategy = search?.method === "vote" ? watchingAll(built) : built;
  const demands = demandsOf(strategy, input);
  const choice = resolveCache(input.cache ?? defaultCache(model, demands, search));
  return {
    ...{ name, preset, input, settings, growth, strategy, alone, model, region },
    ...{ search, hasScore, hasCompanion, demands, choice },
  };
}

/** How a canvas grows, within what the caller allows; undefined where it keeps its length. */
function growthOf(
  { maxNewTokens: most }: GenerateOptions,
  { lengthControl }: RecipeInput,
  preset: Preset,
  region: Region,
): DaedalLength | undefined {
  const own = typeof lengthControl === "object" ? lengthControl.daedal : undefined;
  if (own === undefined && preset.continuationOnly !== true) return undefined;
  if (most === undefined || region.kind === "infill") return own ?? {};
  return { ...own, maxLength: Math.min(most, own?.maxLength ?? most) };
}

/** Cells that a canvas which grows begins with: what the caller allows is where it may end, not where it starts. */
function startLength(
  options: GenerateOptions,
  input: RecipeInput,
  preset: Preset,
  { maxLength = Number.POSITIVE_INFINITY }: DaedalLength,
  model: ModelFacts,
  region: Extract<Region, { kind: "generate" }>,
): number {
  const { maxNewTokens, ...rest } = options;
  const starting = { ...preset, defaults: { ...preset.defaults, length: DAEDAL_START } };
  const start = continuationLength(rest, input, starting, model, region);
  // What the caller asks for has to fit as well.
  if (maxNewTokens !== undefined) continuationLength(options, input, preset, model, region);
  return Math.min(start, maxLength);
}

/** Puts what the recipe adds to every strategy on the one that it names. */
function complete(
  { input, settings, strategy, model, demands, choice }: Asked,
  eos: boolean,
  eotp: EotpGuard | null,
): Strategy {
  const check = draftCheck(input);
  const guard = typeof input.remask === "object" ? input.remask : undefined;
  const cache = composeCache(choice, model.attention, demands);
  const scope = eotpScope(choice);
  const late = [
    ...(input.stop?.predict === "last" ? [...model.tokens.eos, padId(model)] : []),
    ...(input.suppress?.last ?? []),
  ];
  const whole: Strategy = {
    ...(eos ? withStop(strategy, eosStop(model.tokens.eos, padId(model))) : strategy),
    ...(late.length === 0 ? {} : { scorer: endsLast(strategy.scorer, late) }),
    ...(eotp === null ? {} : { length: eotpControl({ ...eotp, eosIds: model.tokens.eos, scope }) }),
    ...(input.init === undefined || check === undefined
      ? {}
      : { reviser: scepticalReviser(input.init.keep ?? 0.3, check) }),
    ...(guard === undefined ? {} : { reviser: entropyGuard(guard.entropyGuard) }),
    ...(cache === undefined ? {} : { cache }),
    ...(model.attention.kind === "full" ? {} : { blocks: gridBlocks(settings.block, model.attention) }),
  };
  const run = input.suppress?.repeats;
  return run === undefined ? whole : withoutRepeats(whole, run, [...model.tokens.eos, padId(model)]);
}

/** What a cache has to reckon with. */
function demandsOf(strategy: Strategy, input: RecipeInput): CacheDemands {
  return {
    ...strategy.demands,
    ...(strategy.guide === undefined ? {} : { skipsBranch: true }),
    ...(draftCheck(input) === "hidden" ? { drafts: true as const } : {}),
  };
}

/** A strategy whose canvas grows: blocks follow the length, the selector stays its own. */
function growing(
  strategy: Strategy,
  asked: DaedalLength,
  settings: Settings,
  hints: Parameters<typeof daedalPieces>[2],
  { maxCanvas }: ModelFacts,
  region: Region,
): Strategy {
  if (region.kind === "infill") {
    const { free = [], cells = 0 } = region;
    const [low, factor] = [asked.low ?? 0.1, asked.factor ?? 4];
    const most = Math.min(MAX_FREE_GAP, asked.maxLength ?? MAX_FREE_GAP);
    return {
      ...strategy,
      length: gapGrowth({ free, cells, low, factor, most, room: maxCanvas }),
    };
  }
  const { length, blocks } = daedalPieces(asked, settings, hints);
  return { ...strategy, length, blocks, demands: { ...strategy.demands, looksAhead: true } };
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

/** A gap is to be filled with text, so an infill cannot choose the tokens that mean "nothing more". */
function traitsOf(
  { tokens, attention, logitsShift }: ModelFacts,
  region: Region,
  { stop, suppress }: RecipeInput,
): ModelTraits {
  const neverEnds = stop?.predict === "never";
  const never = [tokens.mask, ...(tokens.suppress ?? []), ...(suppress?.never ?? [])];
  const endings = [...tokens.eos, ...(tokens.pad === undefined ? [] : [tokens.pad])];
  return {
    maskId: tokens.mask,
    suppress: [...new Set(region.kind === "infill" || neverEnds ? [...never, ...endings] : never)],
    attention,
    logitsShift,
  };
}

function seedOf({ seed }: GenerateOptions): number {
  checkNumber("seed", seed, 0, MAX_SEED, true);
  return seed ?? 0;
}
