import { expect, test } from "vitest";
import { summarise } from "./accuracy.ts";

const outcomes = (pattern: string) =>
  [...pattern].map((mark) => ({ right: mark === "+", forwards: 1, tokens: 1 }));

test("losses are paired: a task counts when it loses more than a point and not by chance", () => {
  const plus = "+".repeat(20);
  const found = [
    { task: "worse", naive: plus, best: `${"-".repeat(10)}${"+".repeat(10)}` },
    { task: "chance", naive: plus, best: `-${"+".repeat(19)}` },
    { task: "other prompts", naive: `-${"+".repeat(19)}`, best: `${"+".repeat(19)}-` },
  ].map(({ task, naive, best }) => ({
    task,
    outcomes: new Map([["naive", outcomes(naive)] as const, ["best", outcomes(best)] as const]),
  }));
  const { tasks, meanLoss, losses, shares } = summarise(256, found);
  expect(losses).toEqual(["worse"]);
  expect(meanLoss).toBeCloseTo((50 + 5 + 0) / 3);
  expect(tasks[2]).toMatchObject({ gained: 1, lost: 1, p: 1, twin: null });
  expect(shares.naive.share).toBeCloseTo(59 / 60);
  expect(shares.twin).toEqual({ share: 0, low: 0, high: 1 });
});
