import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type BlockTrace,
  cutSchedule,
  entropyCosts,
  missCosts,
  moveOne,
  searchSchedule,
} from "./schedule.ts";

const traceOf = (entropies: readonly number[]): BlockTrace =>
  entropies.map((entropy, row) => ({ row, id: 0, entropy, guesses: new Map() }));

/** What a table costs on one trace. */
function costOf(trace: readonly number[], table: readonly number[]): number {
  let at = 0;
  let cost = 0;
  for (const count of table) {
    const group = trace.slice(at, at + count);
    at += count;
    cost += group.reduce((sum, h) => sum + h, 0) - Math.max(0, ...group);
  }
  return cost;
}

/** Every table of `steps` positive counts that sum to `cells`. */
function tables(cells: number, steps: number): number[][] {
  if (steps === 1) return [[cells]];
  return Array.from({ length: cells - steps + 1 }, (_, i) => i + 1).flatMap((first) =>
    tables(cells - first, steps - 1).map((rest) => [first, ...rest]),
  );
}

test("the uncertain token shares its step with the clear one; a tie takes the earlier cut", () => {
  const trace = [0.01, 0.4, 0.02, 0.03];
  expect(cutSchedule(entropyCosts([traceOf(trace)], 4), 4, 2)).toEqual([2, 2]);
  expect(costOf(trace, [2, 2])).toBeCloseTo(costOf(trace, [3, 1]), 12);
});

const traces = fc.array(
  fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { minLength: 7, maxLength: 7 }),
  {
    minLength: 1,
    maxLength: 4,
  },
);

test("no other table costs less, and more steps never cost more", () => {
  fc.assert(
    fc.property(traces, (all) => {
      const total = (table: readonly number[]) => all.reduce((sum, trace) => sum + costOf(trace, table), 0);
      const costs = entropyCosts(all.map(traceOf), 7);
      const found = [1, 2, 3, 4, 5, 6, 7].map((steps) => total(cutSchedule(costs, 7, steps)));
      for (const [i, cost] of found.entries()) {
        const least = Math.min(...tables(7, i + 1).map(total));
        expect(cost).toBeCloseTo(least, 9);
        if (i > 0) expect(cost).toBeLessThanOrEqual(found[i - 1]! + 1e-9);
      }
      expect(found.at(-1)).toBeCloseTo(0, 12);
    }),
    { numRuns: 30 },
  );
});

test("tokens that were guessed early are committed together with the one before, others begin a step", () => {
  const ids = [10, 11, 12, 13];
  // The guess for row 2 is wrong until row 1 stands there; everything else is right from the beginning.
  const trace: BlockTrace = ids.map((id, row) => ({
    row,
    id,
    entropy: 0,
    guesses: new Map(ids.map((other, at) => [at, at === 2 && row < 2 ? 99 : other])),
  }));
  const costs = missCosts([trace], 4);
  expect(costs[0]![4]).toBe(1);
  expect(costs[2]![4]).toBe(0);
  expect(cutSchedule(costs, 4, 2)).toEqual([2, 2]);
  // A block that ended early costs nothing where it has no tokens.
  expect([...missCosts([trace.slice(0, 1)], 4)[0]!]).toEqual([0, 0, 0, 0, 0]);
});

test("a move keeps the sum and every step busy", () => {
  const table = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 6 });
  fc.assert(
    fc.property(table, fc.nat(1000), (counts, draw) => {
      const moved = moveOne(counts, 3, draw);
      if (moved === null) {
        expect(Math.max(...counts)).toBe(1);
        return;
      }
      const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
      expect(sum(moved)).toBe(sum(counts));
      expect(Math.min(...moved)).toBeGreaterThan(0);
      expect(moved).not.toEqual(counts);
    }),
  );
});

test("the search finds the better table, evaluates none twice and is the same for a seed", async () => {
  const target = [1, 2, 5];
  const evaluated: string[] = [];
  const search = () =>
    searchSchedule([[3, 3, 2]], {
      seed: 4,
      rounds: 60,
      evaluate: async (table) => {
        evaluated.push(table.join());
        return -table.reduce((sum, count, i) => sum + Math.abs(count - target[i]!), 0);
      },
    });
  const first = await search();
  expect(first.table).toEqual(target);
  expect(new Set(evaluated).size).toBe(evaluated.length);
  expect(await search()).toEqual(first);
});

test("without rounds the better start wins, the earlier on a tie", async () => {
  const search = (scores: readonly number[]) =>
    searchSchedule(
      [
        [2, 2],
        [3, 1],
      ],
      { seed: 0, rounds: 0, evaluate: async ([n]) => scores[n! - 2]! },
    );
  expect((await search([1, 2])).table).toEqual([3, 1]);
  expect((await search([2, 2])).table).toEqual([2, 2]);
});
