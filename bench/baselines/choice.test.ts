import { expect, test } from "vitest";
import type { TaskOutcomes } from "./answers.ts";
import { cheapest, compareCandidates } from "./choice.ts";

const outcome = (right: boolean, forwards: number, rows: number) => ({ right, forwards, rows, tokens: 1 });

test("candidates are compared with the naive loop on the same prompts", () => {
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
});

const candidate = (preset: string, loss: number, cost: number, lossTasks: readonly string[] = []) => ({
  ...{ recipe: { preset }, loss, cost, lossTasks },
  ...{ prompts: 100, right: 50, forwards: 1, rows: 1 },
});

test("the cheapest that loses nothing and is about as good as the best", () => {
  const candidates = [
    candidate("best", -5, 900),
    candidate("nearly", -3.5, 500),
    candidate("cheaper", -1, 300),
    candidate("loses a task", -6, 100, ["add"]),
  ];
  expect(cheapest(candidates.slice(0, 3))?.recipe["preset"]).toBe("nearly");
  expect(cheapest([candidate("level", 0.5, 10), candidate("none lost", 0, 20)])?.recipe["preset"]).toBe(
    "none lost",
  );
  expect(cheapest([candidate("lossy", 3, 10)])).toBeUndefined();
  expect(cheapest(candidates.slice(3))).toBeUndefined();
});
