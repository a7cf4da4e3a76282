import { expect, test } from "vitest";
import { ALL_TASKS, type Outcome, standings } from "./summary.ts";

const outcome = (
  contestant: string,
  task: string,
  prompt: string,
  right: boolean,
  more: Partial<Outcome>,
): Outcome => ({
  canvas: 128,
  task,
  contestant,
  prompt,
  text: right ? "yes" : "no",
  right,
  forwards: 10,
  branches: 10,
  rows: 1280,
  tokens: 20,
  cells: 40,
  room: 100,
  seconds: 0.5,
  doubts: 0,
  ...more,
});

const OUTCOMES = [
  outcome("llada, fixed length", "add", "a", true, { forwards: 100, rows: 12_800 }),
  outcome("llada", "add", "a", true, {}),
  outcome("fast", "add", "a", false, { forwards: 5, rows: 640, seconds: 0.25 }),
  outcome("llada", "add", "b", true, {}),
  outcome("fast", "add", "b", false, { forwards: 5, rows: 640, seconds: 0.25 }),
  outcome("llada", "sort", "a", false, {}),
  outcome("fast", "sort", "a", true, { forwards: 2, rows: 256, seconds: 0.1 }),
];

const find = (task: string, contestant: string) =>
  standings(OUTCOMES).find((entry) => entry.task === task && entry.contestant === contestant)!;

test("figures are means of a response, over one task and over all", () => {
  expect(find("add", "fast")).toMatchObject({ prompts: 2, correct: 0, forwards: 5, rows: 640 });
  const all = find(ALL_TASKS, "fast");
  expect(all).toMatchObject({ prompts: 3, correct: 1, accuracy: 1 / 3, forwards: 4 });
  expect(all.tokensPerForward).toBe(60 / 12);
  expect(all.tokensPerSecond).toBe(100);
  expect(all.effective).toBe(60 / 120);
  // 100 forwards over 128 rows each, where 12 forwards over 1,536 rows were taken.
  expect(all.fewerThanFixed).toEqual({ forwards: 300 / 12, rows: 38_400 / 1536 });
});

test("comparisons pair the same prompt of the same task, as far as the baseline has it", () => {
  const all = find(ALL_TASKS, "fast");
  // lost a and b of add, gained a of sort: 2 (1 + 3) / 8 = 1
  expect(all.againstPlain).toEqual({
    prompts: 3,
    gained: 1,
    lost: 2,
    p: 1,
    fewerForwards: 30 / 12,
    fewerRows: 3840 / 1536,
    same: 0,
  });
  expect(all.againstFixed).toMatchObject({ prompts: 1, gained: 0, lost: 1, fewerForwards: 20 });
  expect(find("sort", "fast").againstFixed).toBeNull();
  expect(find(ALL_TASKS, "llada").againstPlain).toBeNull();
});
