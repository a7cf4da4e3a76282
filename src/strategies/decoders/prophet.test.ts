import { expect, test } from "vitest";
import { startState } from "../decode.ts";
import type { Step } from "../strategy.ts";
import { MASK, masks, written } from "../testing/play.ts";
import { prophetStop } from "./prophet.ts";

const EOS = 62;

/** Whether everything is filled at once where masks have these gaps and `ends` are cells whose best token ends the text. */
function fires(gaps: readonly number[], ends: readonly number[], ids?: readonly number[]): boolean {
  const state = startState(ids === undefined ? masks(gaps.length) : written(ids));
  const rows = Int32Array.from(gaps.keys());
  const topIds = Int32Array.from(gaps.flatMap((_, row) => [ends.includes(row) ? EOS : 1, 2]));
  const stats = {
    ...{ rows, k: 2, topIds, topLogits: Float64Array.from(gaps.flatMap((gap) => [gap, 0])) },
    lse: new Float64Array(gaps.length).fill(20),
    sampledIds: Int32Array.from(rows, (row) => topIds[2 * row]!),
    sampledLogits: Float64Array.from(gaps),
  };
  const rule = prophetStop({ steps: 100, gaps: [7.5, 5, 2.5], eosIds: [EOS] });
  const traits = { maskId: MASK };
  return rule.stop({ state, stats, traits } as unknown as Step) !== null; // it looks at nothing else
}

test("padding that is clear at once does not answer for the text before it", () => {
  expect(fires([1, 1, 20, 20, 20, 20, 20, 20], [2, 3, 4, 5, 6, 7])).toBe(false);
  expect(fires([8, 8, 0, 0, 0, 0, 0, 0], [2, 3])).toBe(true);
});

test("masks behind an end that is written do not count", () => {
  expect(fires([8, 0, 20, 20], [], [-1, EOS, -1, -1])).toBe(true);
  expect(fires([1, 0, 20, 20], [], [-1, EOS, -1, -1])).toBe(false);
});

test("an answer of no cells is never clear", () => {
  expect(fires([20, 20, 20], [0, 1, 2])).toBe(false);
});
