import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { planGeneration } from "../plan/plan.ts";
import { FACTS } from "./scripted-model.ts";

const DOC = readFileSync(fileURLToPath(new URL("../../../docs/search.md", import.meta.url)), "utf8");
const recipes = Array.from(DOC.matchAll(/```json\n(.*?)```/gs), ([, json]) => json!);

test("docs/search.md shows every method", () => {
  const methods = recipes.map((json) => (JSON.parse(json) as { search: { method: string } }).search.method);
  expect(methods).toEqual(["best-of", "zero-order", "paths", "svdd", "vote"]);
});

test.each(recipes)("a recipe of docs/search.md can be used: %s", (json) => {
  const recipe: unknown = JSON.parse(json);
  const { search } = planGeneration({ recipe }, FACTS, { kind: "generate", promptCells: 4 });
  expect(search).toMatchObject({ method: expect.any(String) });
});

const terms = Array.from(DOC.matchAll(/^\| `(.+?)` +\|/gm), ([, term]) => term!).filter(
  (term) => term !== '"custom"',
);

test.each(terms)("a score of docs/search.md can be used: %s", (term) => {
  const recipe = { preset: "llada", temperature: 1, search: { method: "best-of", score: JSON.parse(term) } };
  const plan = planGeneration({ recipe }, FACTS, { kind: "generate", promptCells: 4 });
  expect(plan.search).toMatchObject({ score: [{ weight: 1 }] });
});
