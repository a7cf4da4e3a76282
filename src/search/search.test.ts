import fc from "fast-check";
import { expect, test } from "vitest";
import { continuationCanvas, FILLED, MASKED } from "../strategies/canvas.ts";
import { startState } from "../strategies/decode.ts";
import { bestOf, choose } from "./choose.ts";
import { answerFinder, distinctReward, keywordReward, lengthReward, regexReward } from "./rewards.ts";
import { stability } from "./trajectory.ts";
import { tally } from "./vote.ts";
import { neighbourOf } from "./zero-order.ts";

test("choosing: the worked example of the strategies note, section 3.11", () => {
  expect(choose([0, 1, 3], 1, 0.5)).toBe(2);
  expect(choose([0, 1, 3], 1, 0.1)).toBe(1);
  expect(choose([0, 1, 3], 0, 0.1)).toBe(2);
  expect(choose([4, 4, 1], 0, 0.9)).toBe(0);
  expect(bestOf([])).toBe(-1);
});

test("choosing draws in proportion to exp(value / alpha)", () => {
  const weights = [0, 1, 3].map((value) => Math.exp(value));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const [first, second] = [weights[0]! / total, (weights[0]! + weights[1]!) / total];
  expect([first.toFixed(4), (second - first).toFixed(4)]).toEqual(["0.0420", "0.1142"]);
  fc.assert(
    fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (u) => {
      expect(choose([0, 1, 3], 1, u)).toBe(u < first ? 0 : u < second ? 1 : 2);
    }),
  );
});

test("voting: the worked example of the strategies note, section 3.12", () => {
  const answers = [null, "12", "15", "12"];
  expect(tally(answers, "fixed", 0)).toEqual([
    { answer: "12", weight: 2, steps: 2 },
    { answer: "15", weight: 1, steps: 1 },
  ]);
  expect(tally(answers, "linear", 0).map(({ weight }) => weight)).toEqual([1.5, 0.75]);
  expect(tally(answers, "exponential", 2)[1]!.weight).toBeCloseTo(Math.E);
  expect(tally([null, null], "fixed", 0)).toEqual([]);
});

test("stability: the worked example of the strategies note, section 7.2", () => {
  const trajectory = { written: [], looks: new Map([[3, [5, 5, 7, 5]]]) };
  const slots = Int32Array.of(9, 3);
  expect(stability(trajectory, [1], Int32Array.of(0, 5), slots)).toBe(0.75);
  expect(stability(trajectory, [0], Int32Array.of(0, 5), slots)).toBe(1);
});

test("rewards are between 0 and 1 and mean what they say", () => {
  expect([0, 5, 10, 15, 20, 99].map((tokens) => lengthReward(tokens, 10))).toEqual([0, 0.5, 1, 0.5, 0, 0]);
  expect(keywordReward("A FOX by the river.", ["fox", "River", "moon"])).toBeCloseTo(2 / 3);
  expect(distinctReward("the cat the cat", 1)).toBe(0.5);
  expect(distinctReward("the cat the cat", 2)).toBeCloseTo(2 / 3);
  expect(distinctReward("one", 2)).toBe(0);
  expect(["a 12 b", "a b"].map(regexReward("\\d{2}"))).toEqual([1, 0]);
  expect(["12 b", "a 12"].map(regexReward("^\\d+"))).toEqual([1, 0]);
});

test("an answer is the last match, as long as it can be", () => {
  const find = answerFinder("\\d+(\\.\\d+)?");
  expect(find("first 12, then 3.50 in all")).toBe("3.50");
  expect(find("none")).toBeNull();
  expect(answerFinder("é+")("aéé b éé!")).toBe("éé");
  expect(answerFinder("a*")("b")).toBeNull();
});

test("a neighbour masks doubtful tokens only, and at least one", () => {
  const canvas = continuationCanvas([1], 4, 9);
  canvas.ids.set([2, 3, 4, 5], 1);
  canvas.kinds.fill(FILLED, 1);
  const state = { ...startState(canvas) };
  const written = [Number.NaN, -0.1, -3, -2, -0.2];
  const pivot = { state, seed: 0, trajectory: { written, looks: new Map() }, ended: "complete" as const };
  const all = neighbourOf(pivot, 1, 7, 9)!;
  expect(Array.from(all.state.canvas.ids)).toEqual([1, 2, 9, 9, 5]);
  expect(all.trajectory.written).toEqual([Number.NaN, -0.1, Number.NaN, Number.NaN, -0.2]);
  const least = neighbourOf(pivot, 1e-9, 7, 9)!;
  expect(Array.from(least.state.canvas.kinds)).toEqual([0, FILLED, MASKED, FILLED, FILLED]);
  expect(Array.from(state.canvas.ids)).toEqual([1, 2, 3, 4, 5]);
  const nothing = { ...pivot, trajectory: { written: [Number.NaN], looks: new Map() } };
  expect(neighbourOf(nothing, 1, 7, 9)).toBeNull();
});
