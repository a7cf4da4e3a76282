import { expect, test } from "vitest";
import { parseRecipe } from "../../src/strategies/recipe/recipe.ts";
import { CANDIDATES } from "./choice.ts";
import { BEST, ladder, PLAIN, takesPart } from "./contestants.ts";

test("every recipe of the ladder and every candidate is one", () => {
  const ladders = ladder(BEST).flatMap((contestant) =>
    contestant.kind === "engine" ? [contestant.recipe] : [],
  );
  for (const recipe of [...ladders, ...CANDIDATES, PLAIN]) expect(() => parseRecipe(recipe)).not.toThrow();
  expect(ladder(BEST).at(-1)).toMatchObject({ recipe: BEST });
});

test("the slow copy of the naive work sits some prompts out, all others answer each", () => {
  const counts = ladder(BEST).map(
    (contestant) => [...Array(10).keys()].filter((prompt) => takesPart(contestant, prompt)).length,
  );
  expect(counts).toEqual([10, 10, 3, 10, 10, 10]);
});
