import { expect, test } from "vitest";
import { parseRecipe } from "../../src/strategies/recipe.ts";
import { BEST, ladder, NAIVE, naiveBeyond, type Standing, splitOf } from "./contestants.ts";

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

test("a canvas beyond the model's is extrapolated from three shorter ones", () => {
  const standing = (canvas: number) =>
    ({
      name: NAIVE,
      canvas,
      forwards: 10,
      totalMs: 10 * (4 + 0.1 * canvas + 1e-4 * canvas ** 2),
    }) as Standing;
  const found = naiveBeyond([128, 256, 512].map(standing));
  expect(found?.msPerForward).toBeCloseTo(4 + 102.4 + 104.8576, 4);
  expect(found?.seconds).toBeCloseTo((found!.msPerForward * 1024) / 1000, 6);
  expect(naiveBeyond([standing(128)])).toBeNull();
});
