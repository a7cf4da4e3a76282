import fc from "fast-check";
import { expect, test } from "vitest";
import { type BestPath, bestPath, type RowChoices } from "./best-path.ts";
import { MASK, smallAutomaton, solutions } from "./brute-force.ts";
import { fits, isFeasible, openSegment, setCell } from "./mask-wildcard.ts";

/** Log-probabilities on a grid of 1/64: sums are exact, so equal is equal. */
const grid = fc.integer({ min: -40, max: 0 }).map((step) => step / 64);
const choices: fc.Arbitrary<RowChoices> = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 8 }), grid), { maxLength: 4 })
  .map((pairs) => {
    const byId = new Map(pairs);
    return { ids: [...byId.keys()], logProbs: [...byId.values()] };
  });
const cell = fc.oneof(
  { weight: 4, arbitrary: choices.map((row) => ({ id: MASK, row })) },
  { weight: 1, arbitrary: fc.constant({ id: MASK, row: undefined }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 8 }).map((id) => ({ id, row: undefined })) },
);
const source = fc.constantFrom(
  "ab*c",
  "(a|b)*c",
  "a{2,5}",
  "(?:ab|c)*",
  "a?b?c?",
  "abc|bca",
  "b(?:a|c){2}b",
  "[abc]*",
);

/** The best filling of `[from, to)` by trying them all, with the rules that {@link bestPath} states. */
function bestByTrying(
  pattern: string,
  cells: readonly { id: number; row: RowChoices | undefined }[],
  from: number,
  to: number,
): BestPath | null {
  let best: BestPath | null = null;
  for (const row of solutions(
    pattern,
    cells.map(({ id }) => id),
  )) {
    let passed = 0;
    let logProbability = 0;
    const ids = row.slice(from, to).map((token, i) => {
      const { id, row: listed } = cells[from + i]!;
      if (id !== MASK) return id;
      if (listed === undefined) return MASK;
      const k = Array.from(listed.ids).indexOf(token);
      if (k === -1) {
        passed++;
        return MASK;
      }
      logProbability += listed.logProbs[k]!;
      return token;
    });
    const found = { ids: Int32Array.from(ids), logProbability, passed };
    if (best === null || order(found, best) < 0) best = found;
  }
  return best;
}

function order(a: BestPath, b: BestPath): number {
  const at = a.ids.findIndex((id, i) => id !== b.ids[i]);
  return (
    a.passed - b.passed || b.logProbability - a.logProbability || (at === -1 ? 0 : a.ids[at]! - b.ids[at]!)
  );
}

test("the best path is the best of all fillings", () => {
  fc.assert(
    fc.property(
      source,
      fc.array(cell, { minLength: 1, maxLength: 4 }),
      fc.nat(4),
      fc.nat(4),
      (pattern, cells, a, b) => {
        const from = Math.min(a, b, cells.length);
        const to = Math.min(Math.max(a, b), cells.length);
        const segment = openSegment(
          smallAutomaton(pattern),
          cells.map(({ id }) => id),
          MASK,
        );
        const found = bestPath(segment, from, to, (at) => cells[at]!.row);
        expect(found).toEqual(bestByTrying(pattern, cells, from, to));
      },
    ),
    { numRuns: 1000 },
  );
});

const PROBABILITIES = [
  [0.2, 0.7, 0.1],
  [0.1, 0.3, 0.6],
  [0.1, 0.8, 0.1],
];

function rowOf(at: number): RowChoices {
  return { ids: [0, 1, 2], logProbs: PROBABILITIES[at]!.map(Math.log) };
}

test("DINGO's example: the best whole text is a b c, the best beginning a b b", () => {
  const masks = [MASK, MASK, MASK];
  const whole = bestPath(openSegment(smallAutomaton("ab*c"), masks, MASK), 0, 3, rowOf)!;
  expect(Array.from(whole.ids)).toEqual([0, 1, 2]);
  expect(Math.exp(whole.logProbability)).toBeCloseTo(0.006, 12);
  const open = bestPath(openSegment(smallAutomaton("ab*c"), masks, MASK, true), 0, 3, rowOf)!;
  expect(Array.from(open.ids)).toEqual([0, 1, 1]);
  expect(Math.exp(open.logProbability)).toBeCloseTo(0.048, 12);
});

test("without a constraint worth the name the best path is the argmax of each cell", () => {
  const free = bestPath(openSegment(smallAutomaton("[abc]*"), [MASK, MASK, MASK], MASK), 0, 3, rowOf)!;
  expect(Array.from(free.ids)).toEqual([1, 2, 1]);
});

test("a cell whose choices all fail stays a mask", () => {
  const segment = openSegment(smallAutomaton("ab*c", false), [MASK, MASK, MASK], MASK);
  const found = bestPath(segment, 0, 3, () => ({ ids: [0], logProbs: [-1] }))!;
  expect(found).toEqual({ ids: Int32Array.of(0, MASK, MASK), logProbability: -1, passed: 2 });
});

test("the best path is at least as probable as the choices taken one by one, and passes over no more cells", () => {
  let better = 0;
  fc.assert(
    fc.property(source, fc.array(choices, { minLength: 1, maxLength: 5 }), (pattern, rows) => {
      const masks = rows.map(() => MASK);
      const path = bestPath(
        openSegment(smallAutomaton(pattern), masks, MASK),
        0,
        rows.length,
        (at) => rows[at],
      );
      const segment = openSegment(smallAutomaton(pattern), masks, MASK);
      expect(path !== null).toBe(isFeasible(segment));
      if (path === null) return;
      let sum = 0;
      let passed = 0;
      for (const [at, { ids, logProbs }] of rows.entries()) {
        const order = Array.from(ids, (_, place) => place).sort((a, b) => logProbs[b]! - logProbs[a]!);
        const k = order.find((place) => fits(segment, at, ids[place]!));
        if (k === undefined) {
          passed++;
          continue;
        }
        setCell(segment, at, ids[k]!);
        sum += logProbs[k]!;
      }
      expect(path.passed).toBeLessThanOrEqual(passed);
      if (path.passed < passed) return;
      expect(path.logProbability).toBeGreaterThanOrEqual(sum);
      if (path.logProbability > sum) better++;
    }),
    { numRuns: 500 },
  );
  expect(better).toBeGreaterThan(20);
});
