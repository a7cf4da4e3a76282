import { expect, test } from "vitest";
import { createDivergenceTracker } from "../../math/divergence.ts";
import { startState } from "../decode.ts";
import { dynamicBlockSelector } from "../decoders/dynamic-block.ts";
import { entropyBoundSelector, entropyThresholdSelector } from "../decoders/entropy-bound.ts";
import { factorSelector } from "../decoders/factor.ts";
import { hierarchySelector } from "../decoders/hierarchy.ts";
import { klassSelector } from "../decoders/klass.ts";
import { localLeapSelector } from "../decoders/local-leap.ts";
import { prophetStop } from "../decoders/prophet.ts";
import { slowFastSelector } from "../decoders/slowfast.ts";
import { entropyScorer } from "../pieces/scorer.ts";
import type { Step } from "../strategy.ts";
import { MASK, masks, play, type Scene, says, taken, written } from "../testing/play.ts";

/** Worked examples of the strategies note, section 4: how many tokens a step takes. (Quotas, 4.1 and 4.2: quota.test.ts; threshold, 4.3: selector.test.ts.) */

test("4.3 factor: thresholds that rise with the rank, and the reference's miscount", () => {
  expect(taken(factorSelector({ factor: 1 }), [0.97, 0.6, 0.9, 0.7, 0.95])).toEqual([0, 2, 4]);
  const p = [0.99, 0.98, 0.97, 0.96, 0.1];
  expect(taken(factorSelector({ factor: 1 }), p)).toHaveLength(4);
  expect(taken(factorSelector({ factor: 1, takesAllOnLastFailure: true }), p)).toHaveLength(5);
});

const ENTROPIES = [0.02, 0.5, 0.05, 0.01, 0.3];

test("4.4 EB-Sampler: the entropies before a row, not its own, are within the bound", () => {
  const rows = (gamma: number): number[] => {
    const { events } = play({
      canvas: masks(5),
      pieces: { selector: entropyBoundSelector(gamma), scorer: entropyScorer },
      says: ({ row }) => says(0.5, row),
      entropy: ENTROPIES,
    });
    return events[0]!.commits.map(({ row }) => row);
  };
  expect(rows(0.1)).toEqual([0, 2, 3, 4]);
  expect(rows(0.01)).toEqual([0, 3]);
  expect(rows(0)).toEqual([3]);
  expect(rows(0.4)).toEqual([0, 1, 2, 3, 4]);
});

test("4.17 dParallel: every row of low entropy, the lowest always", () => {
  const scene: Scene = {
    canvas: masks(5),
    pieces: { selector: entropyThresholdSelector(0.1), scorer: entropyScorer },
    says: ({ row }) => says(0.5, row),
    entropy: ENTROPIES,
  };
  expect(play(scene).events[0]!.commits.map(({ row }) => row)).toEqual([0, 2, 3]);
});

test("4.5 KLASS: the divergence from the step before", () => {
  const tracker = createDivergenceTracker(3);
  const kl = (p: readonly number[], mode: "first" | "next"): number => {
    const out = new Float64Array(1);
    tracker.track(Int32Array.of(0), Float32Array.from(p, Math.log), [0], mode, out);
    return out[0]!;
  };
  expect(kl([0.7, 0.2, 0.1], "first")).toBe(Number.POSITIVE_INFINITY);
  expect(kl([0.72, 0.19, 0.09], "next")).toBeCloseTo(0.0010549, 6);
  expect(kl([0.4, 0.35, 0.25], "next")).toBeGreaterThan(0.01);
});

test("4.5 KLASS: a row is stable after two small divergences, and only then", () => {
  const selector = klassSelector({ threshold: 0.6, divergence: 0.01, history: 2 });
  const memory = new Map<number, number[]>();
  const state = { ...startState(masks(2)), memory: { klass: memory } };
  const picks = (kl: readonly number[], stepInBlock: number): readonly string[] => {
    const rows = Int32Array.of(0, 1);
    const stats = { rows, klPrevious: Float64Array.from(kl) };
    const candidates = { rows, ids: rows, probabilities: Float64Array.of(0.8, 0.7), at: rows };
    const step = { state: { ...state, stepInBlock }, stats, candidates } as unknown as Step; // it looks at nothing else
    return selector.select(step, candidates.probabilities).map(({ index, reason }) => `${index} ${reason}`);
  };
  expect(picks([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY], 0)).toEqual(["0 quota"]);
  expect(picks([0.001, 0.001], 1)).toEqual(["0 quota"]);
  expect(picks([0.001, 0.02], 2)).toEqual(["0 stable"]);
  expect(picks([0.001, 0.001], 3)).toEqual(["0 stable"]);
  expect(picks([0.001, 0.001], 4)).toEqual(["0 stable", "1 stable"]);
});

test("4.9 SlowFast: two estimates that agree settle the stretch", () => {
  const options = { exploration: 6, reach: 0.3, window: 2, deviation: 1, threshold: 0.9 };
  const farthest = [6, 7];
  const { state } = play({
    canvas: masks(16),
    steps: 2,
    pieces: { selector: slowFastSelector(options) },
    says: ({ row, step }) =>
      says(row === farthest[step] ? 0.5 : row === 0 ? 0.6 : row === 1 ? 0.55 : 0.1, row),
  });
  expect(state.memory["slowfast"]).toMatchObject({ to: 8, estimates: null, steps: 2 });
});

test("4.10 Prophet: fires on a mean gap that depends on how far the run is", () => {
  const fires = (gaps: readonly number[], step: number): boolean => {
    const cells = gaps.length;
    const state = { ...startState(masks(cells)), step };
    const rows = Int32Array.from(state.targets);
    const topLogits = Float64Array.from(gaps.flatMap((gap) => [gap, 0]));
    const topIds = Int32Array.from(gaps.flatMap(() => [1, 2]));
    const sampled = { sampledIds: new Int32Array(cells).fill(1), sampledLogits: Float64Array.from(gaps) };
    const stats = { rows, k: 2, topLogits, topIds, lse: new Float64Array(cells).fill(20), ...sampled };
    const rule = prophetStop({ steps: 100, gaps: [7.5, 5, 2.5] });
    const traits = { maskId: MASK };
    return rule.stop({ state, stats, traits } as unknown as Step) !== null; // it looks at nothing else
  };
  expect(fires([8.1, 7.2, 6.9, 8, 7.8], 9)).toBe(true);
  const middling = [5.2, 5.2, 5.2, 5.2, 5.2];
  expect(fires(middling, 39)).toBe(true);
  expect(fires(middling, 19)).toBe(false);
});

test("4.11 LocalLeap: neighbours of an anchor need less", () => {
  const p = [0.95, 0.8, 0.76, 0.7, 0.78, 0.79, 0.6, 0.77, 0.2, 0.1];
  expect(taken(localLeapSelector({ threshold: 0.9, relaxed: 0.75, radius: 4 }), p)).toEqual([0, 1, 2, 4]);
});

test("4.13 hierarchy: the best of each run of masks above the low threshold", () => {
  const p = [0.5, 0.7, 0.3, 0, 0, 0.35, 0.2];
  const { events } = play({
    canvas: written([-1, -1, -1, 50, 51, -1, -1]),
    pieces: { selector: hierarchySelector({ threshold: 0.92, low: 0.4 }) },
    says: ({ row }) => says(p[row]!, row),
  });
  expect(events[0]!.commits.map(({ row }) => row)).toEqual([1]);
});

test("4.12 dynamic blocks: the sure ones when there are enough, else the quota", () => {
  const selector = dynamicBlockSelector({ threshold: 0.85, quota: () => 1 });
  expect(taken(selector, [0.9, 0.3, 0.86, 0.2])).toEqual([0, 2]);
  expect(taken(selector, [0.5, 0.3, 0.2, 0.1])).toEqual([0]);
});
