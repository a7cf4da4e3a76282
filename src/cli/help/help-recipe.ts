import { PRESETS } from "../../strategies/recipe/presets.ts";
import { recipeJsonSchema } from "./recipe-json-schema.ts";

/** The recipe language for people: what a recipe is, its keys, the presets with the keys of their own. */
export function recipeText(): string {
  const presets = Object.entries(PRESETS).map(([name, { title, keys }]) => {
    const own = keys.length === 0 ? "" : ` (${keys.join(", ")})`;
    return `  ${name.padEnd(14)} ${title}${own}`;
  });
  return [
    "A recipe is a preset's name, a JSON object, or a file that holds one:",
    "",
    "  --recipe fast-dllm",
    `  --recipe '{"preset":"fast-dllm","block":32,"threshold":0.9,"cache":"dual"}'`,
    "",
    "Keys:",
    ...keyLines(),
    "",
    "Presets, and in brackets what only they take:",
    ...presets,
    "",
    "Searches, and in brackets the keys beside their method (docs/search.md):",
    ...searchLines(),
    "",
    "unmask help recipe --json prints the JSON Schema.",
  ].join("\n");
}

/** The JSON Schema, with the names a preset may have. */
export function recipeSchema(): Readonly<Record<string, unknown>> {
  const schema = recipeJsonSchema();
  const properties = { ...(schema["properties"] as Readonly<Record<string, object>>) };
  return {
    ...schema,
    properties: { ...properties, preset: { ...properties["preset"], examples: Object.keys(PRESETS) } },
  };
}

function keyLines(): readonly string[] {
  const properties = recipeJsonSchema()["properties"] as Readonly<Record<string, { description?: string }>>;
  return Object.entries(properties).map(
    ([key, { description }]) => `  ${key.padEnd(14)} ${description ?? ""}`,
  );
}

/** The methods of `search`; a score is the same for all of them. */
function searchLines(): readonly string[] {
  const { search } = recipeJsonSchema()["properties"] as { readonly search: SearchJsonSchema };
  return search.oneOf.map(({ properties: { method, ...keys } }) => {
    return `  ${method!.const!.padEnd(14)} ${method!.description} (${Object.keys(keys).join(", ")})`;
  });
}

interface SearchJsonSchema {
  readonly oneOf: readonly {
    readonly properties: Readonly<Record<string, { readonly const?: string; readonly description?: string }>>;
  }[];
}
