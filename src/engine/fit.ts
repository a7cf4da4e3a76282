import type { CacheChoice } from "../cache/choice.ts";
import type { CacheDemands } from "../cache/compose.ts";
import { type Search, usesCustom } from "../search/input.ts";
import type { Preset, Settings } from "../strategies/preset.ts";
import type { RecipeInput } from "../strategies/recipe.ts";
import type { Strategy } from "../strategies/strategy.ts";
import { draftRefusals, placesDraft } from "./draft.ts";
import type { ModelFacts, Region } from "./model-facts.ts";
import { invalid } from "./settings.ts";

/** A recipe as it was asked for, and what it resolved to. */
export interface Asked {
  readonly name: string;
  readonly preset: Preset;
  readonly input: RecipeInput;
  readonly settings: Settings;
  readonly strategy: Strategy;
  /** The preset without the length control that the recipe puts on it. */
  readonly alone: Strategy;
  readonly model: ModelFacts;
  readonly region: Region;
  readonly search: Search | undefined;
  /** The caller brings a function that scores texts. */
  readonly hasScore: boolean;
  /** The caller brings a companion. */
  readonly hasCompanion: boolean;
  /** What a cache has to reckon with. */
  readonly demands: CacheDemands;
  /** The cache that was asked for, or the one that nothing speaks against. */
  readonly choice: CacheChoice;
}

/** A thing that a recipe may ask for in vain. */
export type Refusal = readonly [applies: boolean, option: string, sentence: string];

/**
 * Refuses what a recipe asks for in vain: pieces that would contradict each other, or that the model or the place to be
 * filled has nothing for. (What a cache does not fit is decided in src/cache/compose.ts.)
 *
 * @throws UnmaskError `invalid-options` naming the key and the reason
 */
export function checkFit(asked: Asked): void {
  const refusals = [
    ...ofPreset(asked),
    ...ofLength(asked),
    ...ofEotp(asked),
    ...ofEnds(asked),
    ...draftRefusals(asked),
    ...ofCompanion(asked),
    ...ofSearch(asked),
  ];
  const found = refusals.find(([applies]) => applies);
  if (found !== undefined) throw invalid(found[1], found[2]);
}

function ofPreset({ name, preset, input, settings, strategy, model, region }: Asked): readonly Refusal[] {
  const { constraint, remask, steps, init } = input;
  const revises = preset.revises === true || placesDraft(input);
  return [
    [
      preset.continuationOnly === true && region.kind === "infill",
      "recipe",
      `The recipe ${name} changes the length of the text, so it cannot fill gaps of fixed length.`,
    ],
    [
      strategy.blocks.refine !== undefined && model.attention.kind === "block-causal",
      "recipe",
      `The recipe ${name} chooses where a block ends, but the blocks of ${model.name} are fixed.`,
    ],
    [
      name === "pc" && model.frequency === undefined,
      "recipe",
      `The model ${model.name} does not say how common its tokens are, which pc needs to know.`,
    ],
    [
      typeof steps === "object" && name !== "quota-table",
      "steps",
      `The recipe ${name} takes a number of steps; a table is for quota-table.`,
    ],
    [
      typeof remask === "boolean" && remask !== revises,
      "remask",
      `The recipe ${name} ${revises ? "takes" : "never takes"} tokens back: remask follows from it.`,
    ],
    [
      typeof remask === "object" && strategy.reviser !== undefined,
      "remask",
      `The recipe ${name} takes tokens back by itself, so an entropy guard does not fit it.`,
    ],
    [
      typeof remask === "object" && placesDraft(input),
      "remask",
      "Tokens of a draft are taken back by their own rule, so an entropy guard does not fit a draft.",
    ],
    [
      constraint !== undefined && (preset.overrules === true || preset.continuationOnly === true),
      "constraint",
      `The recipe ${name} writes what it has not chosen token by token, so it takes no constraint.`,
    ],
    [
      constraint?.path === "best" && settings.temperature > 0,
      "constraint.path",
      "The best path of a constraint takes the most probable tokens: a temperature does not apply to it.",
    ],
    [
      preset.greedy === true && settings.temperature > 0,
      "temperature",
      `The recipe ${name} takes the best token of each cell: a temperature does not apply to it.`,
    ],
    [
      strategy.demands?.drafts !== undefined && settings.guidance.cfg !== 0,
      "guidance",
      `The recipe ${name} evaluates drafts, which guidance is not applied to.`,
    ],
    [
      Object.keys(settings.guidance).length > 2,
      "guidance",
      "Guidance is one of adaptive, residual and weak.",
    ],
    [
      name === "warm-start" && init === undefined,
      "init",
      "The recipe warm-start needs a draft to start from: init.draft or init.from.",
    ],
  ];
}

/** A canvas that grows needs an open end, and a decoder that plans nothing for the cells there were. */
function ofLength({ name, preset, input, alone, model, region, search }: Asked): readonly Refusal[] {
  if (input.lengthControl === undefined) return [];
  const refusal = (applies: boolean, why: string): Refusal => [
    applies,
    "lengthControl",
    `A length control ${why}.`,
  ];
  if (input.lengthControl === "fixed") {
    return [refusal(alone.length !== undefined, `is what ${name} is about: its length is never fixed`)];
  }
  const { selector, blocks } = alone;
  return [
    refusal(
      region.kind === "infill" && (region.free ?? []).length === 0,
      "is for continuations and gaps of free length: a gap of fixed length keeps it",
    ),
    refusal(
      region.kind === "generate" && model.tokens.eos.length === 0,
      "needs a model with an end-of-text token",
    ),
    refusal(model.attention.kind === "block-causal", `does not fit ${model.name}, whose blocks are fixed`),
    refusal(blocks.refine !== undefined, `does not fit ${name}, which chooses where a block ends`),
    refusal(
      preset.keys.includes("steps"),
      `does not fit ${name}, which plans its steps for the cells there are`,
    ),
    refusal(
      selector.visible !== undefined || alone.demands?.drafts === true,
      `does not fit ${name}, whose forwards leave cells out`,
    ),
    refusal(preset.revises === true, `does not fit ${name}, which takes tokens back`),
    refusal(alone.stop !== undefined, `does not fit ${name}, which ends the run by itself`),
    refusal(input.constraint !== undefined, "does not fit a constraint, which counts on its cells"),
    refusal(
      search?.method === "zero-order",
      "does not fit the search zero-order, which rewrites tokens in their cells",
    ),
  ];
}

/** Cutting the canvas needs an open end. */
function ofEotp({ name, input, strategy, alone, model, region }: Asked): readonly Refusal[] {
  if (typeof input.stop?.eotp !== "object") return [];
  const refusal = (applies: boolean, why: string): Refusal => [
    applies,
    "stop.eotp",
    `End-of-text prediction ${why}.`,
  ];
  return [
    refusal(region.kind === "infill", "is for continuations: a gap keeps its length"),
    refusal(model.tokens.eos.length === 0, "needs a model with an end-of-text token"),
    refusal(alone.length !== undefined, `does not fit ${name}, which finds the length by itself`),
    refusal(strategy.length !== undefined, "does not fit a length control, which finds the length by itself"),
    refusal(input.constraint !== undefined, "does not fit a constraint, which counts on its cells"),
  ];
}

/** Ends that are not predicted, or that are to be ranked by a score. */
function ofEnds({ name, preset, input, strategy, model, region }: Asked): readonly Refusal[] {
  const predict = input.stop?.predict;
  if (predict === undefined) return [];
  const refusal = (applies: boolean, why: string): Refusal => [
    applies,
    "stop.predict",
    `Ends of the text that are ${predict === "never" ? "never written" : "ranked last"} ${why}.`,
  ];
  return [
    refusal(region.kind === "infill", "are for continuations: a gap never ends early"),
    refusal(model.tokens.eos.length === 0, "need a model with an end-of-text token"),
    refusal(
      predict === "never" && strategy.length !== undefined,
      "do not fit a length control, which looks for them",
    ),
    refusal(
      predict === "never" && typeof input.stop?.eotp === "object",
      "do not fit end-of-text prediction, which looks for them",
    ),
    refusal(
      predict === "last" && preset.unranked === true,
      `do not fit ${name}, which does not choose by a score alone`,
    ),
  ];
}

/** A companion is asked by guided decoding and for a draft, and reads what the model itself proposes. */
function ofCompanion({ name, input, strategy, hasCompanion }: Asked): readonly Refusal[] {
  const supervises = strategy.selector.needs?.expected === true;
  const drafts = input.init?.from === "companion";
  return [
    [
      drafts && !hasCompanion,
      "init.from",
      "The draft is to come from a companion, which this run does not bring.",
    ],
    [
      hasCompanion && !supervises && !drafts,
      "companion",
      `A companion is for guided or for init.from: the recipe ${name} would never ask it.`,
    ],
    [
      supervises && input.constraint !== undefined,
      "constraint",
      "The companion reads what the model proposes, which a constraint changes; leave one of them out.",
    ],
  ];
}

/** A search writes several texts: they have to differ, and whoever goes back must not need what lies between. */
function ofSearch({
  name,
  preset,
  input,
  settings,
  strategy,
  search,
  hasScore,
  choice,
}: Asked): readonly Refusal[] {
  const isCustom = usesCustom(search);
  const callers: readonly Refusal[] = [
    [
      hasScore && !isCustom,
      "score",
      search === undefined
        ? "A score function is for a search: the recipe has none."
        : 'The recipe\'s search.score has no "custom", so the score function would never be asked.',
    ],
    [
      isCustom && !hasScore,
      "search.score",
      "The score custom is a JavaScript function, which this run does not bring.",
    ],
  ];
  if (search === undefined) return callers;
  const refusal = (applies: boolean, why: string): Refusal => [
    applies,
    "search",
    `The search ${search.method} ${why}.`,
  ];
  const draws = search.method === "best-of" || goesBack(search);
  // A random order is drawn whatever the temperature.
  const isFixed =
    settings.temperature === 0 && (settings.algTemp ?? 0) === 0 && strategy.scorer.confidence !== "none";
  return [
    ...callers,
    refusal(
      draws && isFixed && search.n > 1,
      preset.greedy === true
        ? `chooses among different texts, and the recipe ${name} always writes the same one`
        : "chooses among different texts: at temperature 0 they are all the same",
    ),
    refusal(
      goesBack(search) && strategy.selector.tracksKl === true,
      `goes back to earlier steps, and the recipe ${name} compares each step with the one before`,
    ),
    refusal(
      goesBack(search) && choice.policy !== "none",
      "goes to and fro between texts, and a cache keeps the numbers of one; use none",
    ),
    refusal(
      goesBack(search) && settings.guidance.residual !== undefined,
      "goes to and fro between texts, and residual guidance keeps the logits of one",
    ),
    refusal(
      search.method === "vote" && strategy.selector.visible !== undefined,
      `reads all masks at every step, and forwards of the recipe ${name} leave some out`,
    ),
    refusal(
      search.method === "zero-order" && preset.continuationOnly === true,
      `rewrites tokens in their cells, and the recipe ${name} changes the length`,
    ),
    refusal(
      search.method === "zero-order" && input.init !== undefined,
      "starts from a text of its own, so it takes no draft",
    ),
  ];
}

/** Whether a search takes up runs that were left while others went on. */
export function goesBack(search: Search): search is Extract<Search, { method: "paths" | "svdd" }> {
  return search.method === "paths" || search.method === "svdd";
}
