import { expect, test } from "vitest";
import { lossAgainst, summarise } from "./accuracy.ts";
import type { TaskOutcomes } from "./answers.ts";

/** Patterns of right and wrong answers, one of each answerer. */
function task(name: string, ...patterns: readonly string[]): TaskOutcomes {
  const outcomes = [...patterns[0]!].map((_, i) =>
    patterns.map((pattern) => ({ right: pattern[i] === "+", forwards: 1, rows: 1, tokens: 1 })),
  );
  return { task: name, planned: 20, outcomes };
}

const PLUS = "+".repeat(20);

test("losses are paired: a task counts when it loses more than a point and not by chance", () => {
  const found = [
    task("worse", PLUS, `${"-".repeat(10)}${"+".repeat(10)}`),
    task("chance", PLUS, `-${"+".repeat(19)}`),
    task("other prompts", `-${"+".repeat(19)}`, `${"+".repeat(19)}-`),
  ];
  const { tasks, againstNaive, againstTwin, shares } = summarise(256, found);
  expect(againstNaive.tasks).toEqual(["worse"]);
  expect(againstNaive.mean).toBeCloseTo((50 + 5 + 0) / 3);
  expect(tasks[2]).toMatchObject({ gained: 1, lost: 1, p: 1, twin: null });
  expect(shares.naive.share).toBeCloseTo(59 / 60);
  expect({ againstTwin, twin: shares.twin }).toEqual({ againstTwin: null, twin: null });
});

test("the twin is compared on the same prompts", () => {
  const { againstTwin, shares } = summarise(256, [task("one", "++++", "+++-", "+---")]);
  expect(againstTwin).toEqual({ mean: -50, tasks: [] });
  expect(shares.twin?.share).toBe(0.25);
});

test("a run that was stopped says how many prompts are left; tasks without an answer count for nothing", () => {
  const found = [task("one", "++", "++"), { task: "two", planned: 20, outcomes: [] }];
  expect(summarise(256, found)).toMatchObject({ prompts: 2, planned: 40, againstNaive: { mean: 0 } });
});

test("any two answerers can be compared", () => {
  expect(lossAgainst([task("one", "++++", "----", "+++-")], 0, 2).mean).toBe(25);
});
