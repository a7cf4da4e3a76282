import type { Preset, Settings } from "../strategies/preset.ts";
import type { RecipeInput } from "../strategies/recipe.ts";
import type { Strategy } from "../strategies/strategy.ts";
import type { ModelFacts, Region } from "./plan.ts";
import { invalid } from "./settings.ts";

/** A recipe as it was asked for, and what it resolved to. */
export interface Asked {
  readonly name: string;
  readonly preset: Preset;
  readonly input: RecipeInput;
  readonly settings: Settings;
  readonly strategy: Strategy;
  readonly model: ModelFacts;
  readonly region: Region;
}

type Refusal = readonly [applies: boolean, option: string, sentence: string];

/**
 * Refuses what a recipe asks for in vain: pieces that would contradict each other, or that the model or the place to be
 * filled has nothing for. (What a cache does not fit is decided in src/cache/compose.ts.)
 *
 * @throws UnmaskError `invalid-options` naming the key and the reason
 */
export function checkFit(asked: Asked): void {
  const found = [...ofPreset(asked), ...ofEotp(asked), ...ofDraft(asked)].find(([applies]) => applies);
  if (found !== undefined) throw invalid(found[1], found[2]);
}

function ofPreset({ name, preset, input, settings, strategy, model, region }: Asked): readonly Refusal[] {
  const { constraint, remask, steps, init } = input;
  const revises = preset.revises === true || init !== undefined;
  return [
    [
      preset.continuationOnly === true && region.kind === "infill",
      "recipe",
      `The recipe ${name} changes the length of the text, so it cannot fill gaps of fixed length.`,
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
      typeof remask === "object" && (strategy.reviser !== undefined || init !== undefined),
      "remask",
      `The recipe ${name} takes tokens back by itself, so an entropy guard does not fit it.`,
    ],
    [
      constraint !== undefined && (preset.overrules === true || preset.continuationOnly === true),
      "constraint",
      `The recipe ${name} writes what it has not chosen token by token, so it takes no constraint.`,
    ],
    [
      preset.greedy === true && settings.temperature > 0,
      "temperature",
      `The recipe ${name} takes the best token of each cell: a temperature does not apply to it.`,
    ],
    [
      strategy.demands?.drafts === true && settings.guidance.cfg !== 0,
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

/** Cutting the canvas needs an open end. */
function ofEotp({ name, input, strategy, model, region }: Asked): readonly Refusal[] {
  if (typeof input.stop?.eotp !== "object") return [];
  const refusal = (applies: boolean, why: string): Refusal => [
    applies,
    "stop.eotp",
    `End-of-text prediction ${why}.`,
  ];
  return [
    refusal(region.kind === "infill", "is for continuations: a gap keeps its length"),
    refusal(model.tokens.eos.length === 0, "needs a model with an end-of-text token"),
    refusal(strategy.length !== undefined, `does not fit ${name}, which finds the length by itself`),
    refusal(input.constraint !== undefined, "does not fit a constraint, which counts on its cells"),
  ];
}

/** A draft has to have somewhere to stand, and nobody else who takes it back. */
function ofDraft({ name, input, strategy, region }: Asked): readonly Refusal[] {
  if (input.init === undefined) return [];
  const refusal = (applies: boolean, why: string): Refusal => [applies, "init", `A draft ${why}.`];
  const { draft, from } = input.init;
  return [
    refusal((draft === undefined) === (from === undefined), "is either a text (draft) or found (from)"),
    refusal(region.kind === "infill", "is for continuations: what stands around a gap is given already"),
    refusal(strategy.reviser !== undefined, `does not fit ${name}, which takes tokens back by itself`),
    refusal(strategy.length !== undefined, `does not fit ${name}, which changes the length`),
    refusal(input.constraint !== undefined, "does not fit a constraint, which it may violate"),
  ];
}
