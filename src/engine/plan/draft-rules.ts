import type { DraftCheck } from "../../strategies/decoders/warm-start.ts";
import type { RecipeInput } from "../../strategies/recipe/recipe.ts";
import type { Asked, Refusal } from "./asked.ts";

/** Whether a recipe begins with the tokens of a draft in their cells, from where they may be taken back. */
export function placesDraft({ init }: Pick<RecipeInput, "init">): boolean {
  return init !== undefined && init.blend === undefined;
}

/** How these tokens are judged. Caches and guidance have nothing for further canvases. */
export function draftCheck({ init, cache, guidance }: RecipeInput): DraftCheck | undefined {
  if (init === undefined || init.blend !== undefined) return undefined;
  const isPlain = (cache === undefined || cache === "none") && (guidance?.cfg ?? 0) === 0;
  return init.check ?? (isPlain ? "hidden" : "seen");
}

/** A draft has to have somewhere to stand, and nobody else who takes it back; blended, it stands nowhere. */
export function draftRefusals({
  name,
  preset,
  input,
  strategy,
  alone,
  region,
  model,
}: Asked): readonly Refusal[] {
  if (input.init === undefined) return [];
  const refusal = (applies: boolean, why: string): Refusal => [applies, "init", `A draft ${why}.`];
  const { draft, from, blend, keep, check } = input.init;
  const stands = placesDraft(input);
  return [
    refusal((draft === undefined) === (from === undefined), "is either a text (draft) or found (from)"),
    refusal(region.kind === "infill", "is for continuations: what stands around a gap is given already"),
    refusal(
      stands && strategy.reviser !== undefined,
      `does not fit ${name}, which takes tokens back by itself`,
    ),
    refusal(alone.length !== undefined, `does not fit ${name}, which changes the length`),
    refusal(strategy.length !== undefined, "does not fit a length control, which moves its cells"),
    refusal(
      stands && preset.blockwise === true,
      `does not fit ${name}, whose forwards do not see what stands behind the block`,
    ),
    refusal(stands && input.constraint !== undefined, "does not fit a constraint, which it may violate"),
    [
      blend !== undefined && name === "warm-start",
      "init.blend",
      "The recipe warm-start begins with the draft in its cells, and a blend leaves them masked: name the decoder that fills them, such as fast-dllm.",
    ],
    [
      blend !== undefined && (keep !== undefined || check !== undefined),
      "init.blend",
      "A blend puts no token into a cell, so there is nothing for keep and check to judge.",
    ],
    [
      blend !== undefined && model.layers === 0,
      "init.blend",
      `The model ${model.name} was taken over as a whole graph, which a draft cannot be blended into.`,
    ],
  ];
}
