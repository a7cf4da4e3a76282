import type { Asked, Refusal } from "./asked.ts";

/** What a recipe asks for in vain of the length of the text and of its end. */
export function lengthRefusals(asked: Asked): readonly Refusal[] {
  return [...ofControl(asked), ...ofEotp(asked), ...ofEnds(asked)];
}

/** A canvas that grows needs an open end, and a decoder that plans nothing for the cells there were. */
function ofControl({ name, preset, input, alone, model, region, search }: Asked): readonly Refusal[] {
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
      preset.keys.includes("steps") || selector.plan !== undefined,
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
