import fc from "fast-check";
import { expect, test } from "vitest";
import { gumbel } from "../core/random.ts";
import type { NoiseRequest, RowStats, SignalRequest } from "../core/types.ts";
import { allocateRowStats, MAX_NUCLEUS, reduceRows } from "./row-stats.ts";

const PLAIN: SignalRequest = { topK: 1, entropy: false, current: false, probe: [] };

function reduce(
  rows: readonly (readonly number[])[],
  signals: Partial<SignalRequest> = {},
  { suppress = [], canvas = [] }: { suppress?: number[]; canvas?: number[] } = {},
): RowStats {
  const request = { ...PLAIN, ...signals };
  const stats = allocateRowStats(Int32Array.from(rows.keys()), request, "f64");
  const logits = Float32Array.from(rows.flat());
  reduceRows(logits, rows[0]!.length, Int32Array.from(canvas), request, suppress, stats);
  return stats;
}

test("lists the best ids by descending logit, ties to the smaller id", () => {
  const stats = reduce([[1, 3, 3, 0, 2]], { topK: 4 });
  expect([...stats.topIds]).toEqual([1, 2, 4, 0]);
  expect([...stats.topLogits]).toEqual([3, 3, 2, 1]);
  expect(stats.sampledIds[0]).toBe(1);
});

test("normalises over the whole row and measures its entropy", () => {
  const stats = reduce([[0, 0, 0, 0]], { entropy: true });
  expect(stats.lse[0]).toBeCloseTo(Math.log(4), 12);
  expect(stats.entropy![0]).toBeCloseTo(Math.log(4), 12);
  expect(reduce([[50, 0, 0]], { entropy: true }).entropy![0]).toBeCloseTo(0, 12);
});

test("survives logits that overflow a naive exponential", () => {
  const stats = reduce([[1000, 999, -1000]]);
  expect(Math.exp(stats.sampledLogits[0]! - stats.lse[0]!)).toBeCloseTo(1 / (1 + Math.exp(-1)), 9);
});

test("suppressed ids lose their mass, their rank and their probes", () => {
  const stats = reduce([[9, 1, 1]], { topK: 2, probe: [0, 2] }, { suppress: [0, 99] });
  expect([...stats.topIds]).toEqual([1, 2]);
  expect(stats.lse[0]).toBeCloseTo(1 + Math.log(2), 9);
  expect([...stats.probeLogits!]).toEqual([Number.NEGATIVE_INFINITY, 1]);
});

test("reports the logit of the token that stands in the cell", () => {
  const stats = reduce(
    [
      [1, 2],
      [3, 4],
    ],
    { current: true },
    { canvas: [1, 0] },
  );
  expect([...stats.currentLogits!]).toEqual([2, 3]);
});

test("NaN and infinite logits are never chosen and do not spoil the row", () => {
  const stats = reduce([[Number.NaN, 1, Number.POSITIVE_INFINITY, 2]], { topK: 2, entropy: true });
  expect([...stats.topIds]).toEqual([3, 1]);
  expect(stats.lse[0]).toBeCloseTo(2 + Math.log(1 + Math.exp(-1)), 9);
  expect(Number.isFinite(stats.entropy![0])).toBe(true);
});

test("entropy does not drown in the size of the logits", () => {
  const stats = reduce([[3e38, 3e38, -3e38]], { topK: 1, entropy: true });
  expect(stats.entropy![0]).toBeCloseTo(Math.log(2), 6);
});

test("a row without finite logits falls back to the smallest allowed ids with probability zero", () => {
  const noise: NoiseRequest = { temperature: 1, seed: 1, step: 0, topK: 0, topP: 1 };
  for (const broken of [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]) {
    const stats = reduce([[broken, broken, broken]], { topK: 2, entropy: true, noise }, { suppress: [0] });
    expect([...stats.topIds]).toEqual([1, 2]);
    expect([stats.sampledIds[0], stats.lse[0], stats.entropy![0]]).toEqual([1, Number.NEGATIVE_INFINITY, 0]);
  }
});

const rowOf = fc.array(fc.float({ min: -30, max: 30, noNaN: true }), { minLength: 2, maxLength: 200 });

test("agrees with sorting the row", () => {
  fc.assert(
    fc.property(rowOf, fc.integer({ min: 1, max: 8 }), (row, k) => {
      const width = Math.min(k, row.length);
      const order = [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b).slice(0, width);
      expect([...reduce([row], { topK: width }).topIds]).toEqual(order);
    }),
  );
});

function sampleByHand(row: readonly number[], ids: readonly number[], noise: NoiseRequest): number {
  const value = (id: number): number =>
    Math.fround(
      Math.fround(row[id]!) + Math.fround(noise.temperature * gumbel(noise.seed, noise.step, 0, id)),
    );
  return ids.toSorted((a, b) => value(b) - value(a) || a - b)[0]!;
}

test("sampling takes the largest perturbed logit of the whole row, skipping only hopeless ids", () => {
  const temperature = fc.constantFrom(0.05, 0.5, 1, 3);
  fc.assert(
    fc.property(rowOf, temperature, fc.nat(), fc.nat(99), (row, t, seed, step) => {
      const noise = { temperature: t, seed, step, topK: 0, topP: 1 };
      expect(reduce([row], { noise }).sampledIds[0]).toBe(sampleByHand(row, [...row.keys()], noise));
    }),
  );
});

test("top-k samples among the best k alone", () => {
  fc.assert(
    fc.property(rowOf, fc.integer({ min: 1, max: MAX_NUCLEUS }), fc.nat(), (row, topK, seed) => {
      const noise = { temperature: 2, seed, step: 3, topK, topP: 1 };
      const best = [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b).slice(0, topK);
      expect(reduce([row], { noise }).sampledIds[0]).toBe(sampleByHand(row, best, noise));
    }),
  );
});

test("samples follow the softmax at the temperature", () => {
  const counts = [0, 0, 0];
  for (let seed = 0; seed < 4000; seed++) {
    const noise = { temperature: 2, seed, step: 0, topK: 0, topP: 1 };
    counts[reduce([[2, 0, -2]], { noise }).sampledIds[0]!]!++;
  }
  const total = Math.E + 1 + 1 / Math.E;
  expect(counts[0]! / 4000).toBeCloseTo(Math.E / total, 1);
  expect(counts[2]! / 4000).toBeCloseTo(1 / Math.E / total, 1);
});

test("a small top-p always takes the best token", () => {
  for (let seed = 0; seed < 200; seed++) {
    const noise = { temperature: 1, seed, step: 0, topK: 0, topP: 0.01 };
    expect(reduce([[0, 0.2, 0.1]], { noise }).sampledIds[0]).toBe(1);
  }
});
