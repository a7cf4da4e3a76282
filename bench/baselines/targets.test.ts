import { expect, test } from "vitest";
import type { Accuracy } from "./accuracy.ts";
import { BEST_NAME, TWIN } from "./contestants.ts";
import type { Standing } from "./standing.ts";
import { baselineTargets } from "./targets.ts";

const standing = (name: string, canvas: number, factor: number, tokensPerSecond: number) =>
  ({ name, canvas, naiveMs: 100 * factor, totalMs: 100, tokensPerSecond }) as Standing;
const accuracy = (canvas: number, mean: number, tasks: readonly string[]): Accuracy => {
  const share = { share: 0.5, low: 0.4, high: 0.6 };
  return {
    canvas,
    prompts: 10,
    planned: 20,
    tasks: [],
    againstNaive: { mean, tasks },
    againstTwin: { mean: 0, tasks: [] },
    shares: { naive: share, best: share, twin: share },
  };
};

const verdicts = (standings: readonly Standing[], answers: readonly Accuracy[]) =>
  baselineTargets(standings, answers).map(({ what, holds }) => [
    what.replace(/^canvas of (\d+): (\w+).*/, "$1 $2"),
    holds,
  ]);

test("speed and answers are judged apart, and what was not measured is open", () => {
  expect(verdicts([standing(BEST_NAME, 256, 20, 50)], [])).toEqual([
    ["256 times", true],
    ["256 answers", null],
    ["512 times", null],
    ["512 answers", null],
  ]);
});

test("a task that is lost for sure, or a point in the mean, misses the target", () => {
  const standings = [256, 512].map((canvas) => standing(BEST_NAME, canvas, 30, 50));
  expect(verdicts(standings, [accuracy(256, 0.5, ["add"]), accuracy(512, 1.2, [])])).toEqual([
    ["256 times", true],
    ["256 answers", false],
    ["512 times", false],
    ["512 answers", false],
  ]);
});

test("the twin is beaten by tokens a second at equal accuracy", () => {
  const standings = [standing(BEST_NAME, 256, 30, 50), standing(TWIN, 256, 10, 60)];
  const found = baselineTargets(standings, [accuracy(256, 0, [])]).at(-1);
  expect(found).toMatchObject({ holds: false });
  expect(found?.measured).toMatch(/^0\.83; 0\.00 points lost, no task for sure \(10 of 20 prompts\)$/);
});
