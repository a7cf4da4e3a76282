import fc from "fast-check";
import { expect, test } from "vitest";
import { EOS, MASK, PAD, smallAutomaton, solutions, TEXTS } from "./brute-force.ts";
import {
  fits,
  fittingIds,
  isComplete,
  isFeasible,
  openSegment,
  type Segment,
  setCell,
  shortestLength,
} from "./mask-wildcard.ts";

const SOURCES = [
  "ab*c",
  "(a|b)*c",
  "a{2,5}",
  "(?:ab|c)*",
  "a?b?c?",
  "[^a]+",
  "abc|bca",
  "b(?:a|c){2}b",
  "(?:abc)+a",
];

const source = fc.constantFrom(...SOURCES);
const cells = fc.array(
  fc.oneof({ weight: 3, arbitrary: fc.constant(MASK) }, fc.integer({ min: 0, max: 8 })),
  {
    minLength: 1,
    maxLength: 4,
  },
);

test("feasibility and fitting ids are those of trying everything", () => {
  fc.assert(
    fc.property(source, cells, fc.boolean(), (pattern, ids, ends) => {
      const segment = openSegment(smallAutomaton(pattern, ends), ids, MASK);
      const valid = solutions(pattern, ids, ends);
      expect(isFeasible(segment)).toBe(valid.length > 0);
      expect(isComplete(segment)).toBe(valid.length > 0 && !ids.includes(MASK));
      for (const [at, id] of ids.entries()) {
        if (id !== MASK) continue;
        const expected = TEXTS.map((_, token) => token).filter((token) =>
          valid.some((row) => row[at] === token),
        );
        expect(Array.from(fittingIds(segment, at))).toEqual(expected);
        expect(TEXTS.map((_, token) => token).filter((token) => fits(segment, at, token))).toEqual(expected);
      }
    }),
    { numRuns: 400 },
  );
});

test("a segment changed cell by cell is the segment opened anew", () => {
  const change = fc.record({
    at: fc.nat(5),
    id: fc.oneof(fc.constant(MASK), fc.integer({ min: 0, max: 8 })),
  });
  fc.assert(
    fc.property(source, fc.array(change, { maxLength: 12 }), (pattern, changes) => {
      const automaton = smallAutomaton(pattern);
      const ids = new Array<number>(6).fill(MASK);
      const segment = openSegment(automaton, ids, MASK);
      for (const { at, id } of changes) {
        setCell(segment, at, id);
        ids[at] = id;
        const fresh = openSegment(automaton, ids, MASK);
        expect(segment.forward).toEqual(fresh.forward);
        expect(segment.live).toEqual(fresh.live);
      }
    }),
    { numRuns: 300 },
  );
});

test("committing fitting ids one at a time never ends in a dead end", () => {
  fc.assert(
    fc.property(
      source,
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.nat(1000), { minLength: 18 }),
      (pattern, length, picks) => {
        const segment = openSegment(smallAutomaton(pattern), new Array<number>(length).fill(MASK), MASK);
        if (!isFeasible(segment)) return;
        for (let step = 0; step < length; step++) {
          const masked = maskedCells(segment);
          const at = masked[picks[2 * step]! % masked.length]!;
          const ids = fittingIds(segment, at);
          expect(ids.length).toBeGreaterThan(0);
          setCell(segment, at, ids[picks[2 * step + 1]! % ids.length]!);
        }
        expect(isComplete(segment)).toBe(true);
        expect(solutions(pattern, Array.from(segment.ids))).toHaveLength(1);
      },
    ),
    { numRuns: 300 },
  );
});

function maskedCells(segment: Segment): number[] {
  return Array.from(segment.ids.keys()).filter((at) => segment.ids[at] === MASK);
}

test("a text may be a mere beginning when the segment may continue", () => {
  const automaton = smallAutomaton("ab*c");
  const whole = openSegment(automaton, [MASK, MASK, MASK], MASK);
  expect(fits(whole, 2, 1)).toBe(false);
  expect(fits(whole, 0, 1)).toBe(false);
  const open = openSegment(automaton, [MASK, MASK, MASK], MASK, true);
  expect(fits(open, 2, 1)).toBe(true);
  expect(fits(open, 0, 1)).toBe(false);
});

test("behind the end only end tokens fit", () => {
  const segment = openSegment(smallAutomaton("ab*c"), [0, 2, MASK, MASK], MASK);
  expect(Array.from(fittingIds(segment, 2))).toEqual([EOS, PAD]);
  const short = openSegment(smallAutomaton("ab*c", false), [0, 2, MASK], MASK);
  expect(isFeasible(short)).toBe(false);
});

test("verdicts that neighbours share follow every change of a cell", () => {
  fc.assert(
    fc.property(
      source,
      fc.array(fc.record({ at: fc.nat(5), id: fc.oneof(fc.constant(MASK), fc.nat(8)) }), { maxLength: 12 }),
      (pattern, changes) => {
        const segment = openSegment(smallAutomaton(pattern), new Array<number>(6).fill(MASK), MASK);
        for (const { at, id } of changes) {
          setCell(segment, at, id);
          const fresh = openSegment(smallAutomaton(pattern), segment.ids, MASK);
          for (const cell of maskedCells(segment)) {
            expect(fittingIds(segment, cell)).toEqual(fittingIds(fresh, cell));
            for (const [token] of TEXTS.entries()) {
              expect(fits(segment, cell, token)).toBe(fits(fresh, cell, token));
            }
          }
        }
      },
    ),
    { numRuns: 200 },
  );
});

test("the shortest text counts tokens", () => {
  expect(shortestLength(smallAutomaton("abc"))).toBe(2);
  expect(shortestLength(smallAutomaton("a*"))).toBe(0);
  expect(shortestLength(smallAutomaton("é"))).toBe(null);
});
