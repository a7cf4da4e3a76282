import { expect, test } from "vitest";
import { recipeJsonSchema } from "./recipe-json-schema.ts";

test("the JSON Schema names every key and allows no other", () => {
  const schema = recipeJsonSchema();
  expect(schema["additionalProperties"]).toBe(false);
  expect(Object.keys(schema["properties"] as object)).toContain("threshold");
});
