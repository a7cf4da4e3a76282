import { expect, test } from "vitest";
import type { TaskOutcomes } from "./answers.ts";
import { cheapest, compareCandidates } from "./choice.ts";

const outcome = (right: boolean, forwards: number, rows: number) => ({ right, forwards, rows, tokens: 1 });

test("the cheapest candidate that loses nothing against the naive loop", () => {
  const recipes = [{ preset: "slow" }, { preset: "quick" }, { preset: "wrong" }];
  const found: TaskOutcomes[] = [
    {
      task: "add",
      planned: 2,
      outcomes: [
        [outcome(true, 40, 4000), outcome(true, 10, 1000), outcome(true, 5, 100), outcome(false, 1, 10)],
        [outcome(false, 40, 4000), outcome(true, 10, 1000), outcome(false, 5, 200), outcome(false, 1, 10)],
      ],
    },
  ];
  const candidates = compareCandidates(recipes, found);
  expect(candidates.map(({ loss, right, rows }) => ({ loss, right, rows }))).toEqual([
    { loss: -50, right: 2, rows: 1000 },
    { loss: 0, right: 1, rows: 150 },
    { loss: 50, right: 0, rows: 10 },
  ]);
  expect(candidates[1]!.cost).toBeGreaterThan(150);
  expect(cheapest(candidates)?.recipe).toEqual({ preset: "quick" });
  expect(cheapest(candidates.slice(2))).toBeUndefined();
});
