import { toJsonSchema } from "@valibot/to-json-schema";
import { recipeSchema } from "../../strategies/recipe/recipe.ts";

/** JSON Schema of a recipe object. Apart from the recipe: it weighs more than all the decoders' rules together. */
export function recipeJsonSchema(): Readonly<Record<string, unknown>> {
  return { ...toJsonSchema(recipeSchema, { typeMode: "input" }), title: "Unmask recipe" };
}
