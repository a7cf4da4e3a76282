import { expect, test } from "vitest";
import { BEST_NAME, FEWER, NAIVE, SAME_WORK, TRIMMED } from "./contestants.ts";
import { factorOf, type Standing, splitOf, standingsOf } from "./standing.ts";

const PROMPTS = ["7", "8"].map((answer) => ({ task: "add", prompt: "3+4", answer }));
const answer = (name: string, ms: number, text: string) => ({
  ...{ name, ms, text },
  ...{ forwards: 2, rows: 64, cells: 96, tokens: 5 },
});

test("a contestant is compared with the naive loop on the prompts that both answered", () => {
  const raced = [
    { prompt: PROMPTS[0]!, answers: [answer(NAIVE, 1000, "answer 7")] },
    {
      prompt: PROMPTS[1]!,
      answers: [answer("x", 100, "so answer 8"), answer(NAIVE, 3000, "answer 9")],
    },
  ];
  const [naive, found, ...more] = standingsOf([NAIVE, "x", "absent"], 128, raced);
  expect(found).toMatchObject({ naiveMs: 3000, totalMs: 100, right: 1, same: 0, prompts: 1, rows: 64 });
  expect(found!.tokensPerSecond).toBe(50);
  expect(factorOf(found!)).toBe(30);
  expect(naive).toMatchObject({ right: 1, same: 2, naiveMs: 4000 });
  expect(more).toEqual([]);
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
