import { takesRepeatGuard } from "../../strategies/pieces/no-repeat.ts";
import { invalid } from "../ask/settings.ts";
import type { Asked, Refusal } from "./asked.ts";
import { draftRefusals, placesDraft } from "./draft-rules.ts";
import { lengthRefusals } from "./fit-length.ts";
import { searchRefusals } from "./fit-search.ts";

/**
 * Refuses what a recipe asks for in vain: pieces that would contradict each other, or that the model or the place to be
 * filled has nothing for. (What a cache does not fit is decided in src/cache/compose.ts.)
 *
 * @throws UnmaskError `invalid-options` naming the key and the reason
 */
export function checkFit(asked: Asked): void {
  const refusals = [
    ...ofPreset(asked),
    ...ofTokens(asked),
    ...lengthRefusals(asked),
    ...draftRefusals(asked),
    ...ofCompanion(asked),
    ...searchRefusals(asked),
  ];
  const found = refusals.find(([applies]) => applies);
  if (found !== undefined) throw invalid(found[1], found[2]);
}

function ofPreset({
  name,
  preset,
  input,
  settings,
  strategy,
  alone,
  model,
  region,
}: Asked): readonly Refusal[] {
  const { constraint, remask, steps, init } = input;
  const { adaptive, residual, weak } = settings.guidance;
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
      alone.length !== undefined && model.attention.kind === "block-causal",
      "recipe",
      `The recipe ${name} changes the length of the text, but the blocks of ${model.name} are fixed.`,
    ],
    [
      alone.length !== undefined && model.tokens.eos.length === 0,
      "recipe",
      `The recipe ${name} finds out where the text ends, but ${model.name} has no end-of-text token.`,
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
      [adaptive, residual, weak].filter((kind) => kind !== undefined).length > 1,
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

/** Tokens that the recipe names by their ids. */
function ofTokens({ name, preset, input, settings, model }: Asked): readonly Refusal[] {
  const { never = [], last = [], repeats } = input.suppress ?? {};
  const { keep, weak } = settings.guidance;
  const isNone = (id: number): boolean => id >= model.vocab;
  const most = `The tokens of ${model.name} have ids below ${model.vocab}`;
  return [
    [keep?.some(isNone) === true, "guidance.keep", `${most}.`],
    [[...never, ...last].some(isNone), "suppress", `${most}.`],
    [
      keep !== undefined && weak !== undefined,
      "guidance.keep",
      "Weak guidance hides nothing of the prompt, so there is nothing to keep.",
    ],
    [
      last.length > 0 && preset.unranked === true,
      "suppress.last",
      `Tokens that are ranked last do not fit ${name}, which does not choose by a score alone.`,
    ],
    [
      repeats !== undefined && !takesRepeatGuard(preset),
      "suppress.repeats",
      `Runs that are not repeated do not fit ${name}, which also writes tokens that nobody chose by a score.`,
    ],
    [
      repeats !== undefined && input.constraint !== undefined,
      "suppress.repeats",
      "A constraint may ask for a run of tokens twice; leave suppress.repeats out.",
    ],
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
