import type { GenerateOptions } from "../../core/job.ts";
import { canonicalPreset } from "../../strategies/recipe/option-names.ts";
import { parseRecipe, type RecipeInput } from "../../strategies/recipe/recipe.ts";
import type { ModelFacts } from "../ask/model-facts.ts";
import { checkNumber, invalid } from "../ask/settings.ts";

/** What the bundle proposes where no recipe is asked for: the one with the name of the mode, else its default. */
function proposed({ mode, chat }: GenerateOptions, { recipes, modes }: ModelFacts): unknown {
  const name = chat === undefined ? (mode ?? Object.keys(modes)[0]) : undefined;
  return name !== undefined && Object.hasOwn(recipes, name) ? recipes[name] : recipes.default;
}

/**
 * Follows names (the bundle's recipes may name presets or each other) down to a preset and a checked object.
 *
 * @throws UnmaskError `invalid-options` for a recipe or an option that is none
 */
export function findRecipe(
  options: GenerateOptions,
  model: ModelFacts,
): { readonly name: string; readonly input: RecipeInput } {
  checkNumber("temperature", options.temperature, 0, 10);
  checkNumber("maxNewTokens", options.maxNewTokens, 1, model.maxCanvas, true);
  let value = options.recipe ?? proposed(options, model);
  for (let hops = 0; typeof value === "string" && Object.hasOwn(model.recipes, value) && hops < 8; hops++) {
    if (model.recipes[value] === value) break;
    value = model.recipes[value];
  }
  if (typeof value === "string") return named(value, {});
  const input = parseRecipe(value);
  if (input.preset !== undefined) return named(input.preset, input);
  return { name: input.threshold === undefined ? "llada" : "fast-dllm", input };
}

/** A recipe whose preset may have the name that another program gives it. */
function named(name: string, input: RecipeInput): ReturnType<typeof findRecipe> {
  const { preset, ...usual } = canonicalPreset(name);
  return { name: preset, input: { ...usual, ...input } };
}

/** Whether a continuation ends with the text; unless the recipe says so, where the model tells the end from padding. */
export function endsAtEos(input: RecipeInput, model: ModelFacts): boolean {
  if (input.stop?.eos === true && model.tokens.eos.length === 0) {
    throw invalid("stop.eos", `The model ${model.name} has no end-of-text token.`);
  }
  return input.stop?.eos ?? (model.tokens.pad !== undefined && model.tokens.eos.length > 0);
}
