import { expect, test } from "vitest";
import { type Answer, BEST_NAME, FEWER, NAIVE, SAME_WORK, TRIMMED } from "./contestants.ts";
import { factorOf, type Standing, splitOf, standingOf } from "./standing.ts";

const PROMPTS = ["7", "8"].map((answer) => ({ task: "add", prompt: "3+4", answer }));
const answer = (ms: number, text: string): Answer => ({
  ms,
  forwards: 2,
  rows: 64,
  cells: 96,
  tokens: 5,
  text,
});

test("a contestant is compared with the naive loop on the prompts that both answered", () => {
  const naive = new Map([
    [0, answer(1000, "answer 7")],
    [1, answer(3000, "answer 9")],
  ]);
  const found = standingOf("x", 128, PROMPTS, new Map([[1, answer(100, "so answer 8")]]), naive);
  expect(found).toMatchObject({ naiveMs: 3000, totalMs: 100, right: 1, same: 0, prompts: 1, rows: 64 });
  expect(found.tokensPerSecond).toBe(50);
  expect(factorOf(found)).toBe(30);
  expect(standingOf(NAIVE, 128, PROMPTS, naive, naive)).toMatchObject({ right: 1, same: 2, naiveMs: 4000 });
});

test("the steps of the ladder multiply to the whole, also where one of them sat prompts out", () => {
  const standing = (name: string, naiveMs: number, totalMs: number) =>
    ({ name, naiveMs, totalMs }) as Standing;
  const split = splitOf([
    standing(NAIVE, 1200, 1200),
    standing(SAME_WORK, 300, 200),
    standing(TRIMMED, 1200, 200),
    standing(FEWER, 1200, 50),
    standing(BEST_NAME, 1200, 20),
  ]);
  expect(split).toEqual({ overhead: 1.5, padding: 4, forwards: 4, rows: 2.5, total: 60 });
  expect(split.overhead * split.padding * split.forwards * split.rows).toBeCloseTo(split.total);
});
