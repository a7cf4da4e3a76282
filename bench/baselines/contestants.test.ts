import { expect, test } from "vitest";
import { parseRecipe } from "../../src/strategies/recipe.ts";
import { BEST, ladder, splitOf } from "./contestants.ts";

test("the steps of the ladder multiply to the whole, and the threshold variant stands beside it", () => {
  const split = splitOf([1200, 300, 800, 200, 50, 20]);
  expect(split).toEqual({ overhead: 1.5, padding: 4, forwards: 4, rows: 2.5, total: 60 });
  expect(split.overhead * split.padding * split.forwards * split.rows).toBeCloseTo(split.total);
});

test("every recipe of the ladder is one", () => {
  for (const contestant of ladder(BEST)) {
    if (contestant.kind === "engine") expect(() => parseRecipe(contestant.recipe)).not.toThrow();
  }
  expect(ladder(BEST).at(-1)).toMatchObject({ recipe: BEST });
});
