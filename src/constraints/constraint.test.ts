import { readFileSync } from "node:fs";
import { toJsonSchema } from "@valibot/to-json-schema";
import fc from "fast-check";
import { expect, test } from "vitest";
import { UnmaskError } from "../core/errors.ts";
import type { RowStats } from "../core/types.ts";
import { createTokenizer } from "../runtime/tokenizer/tokenizer.ts";
import { compileConstraint, constraintSchema, parseConstraint, rowChoices, vocabularyOf } from "./index.ts";

const MASK = 4064;
const EOS = 4065;
const PAD = 4066;
const tokenizer = createTokenizer(readFileSync("public/models/default/tokenizer.json"), undefined, 4096);
const vocabulary = vocabularyOf(tokenizer, [EOS, PAD], []);

const PERSON = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 1, maxLength: 8 },
    age: { type: "integer", minimum: 0, maximum: 120 },
    tags: { type: "array", items: { enum: ["x", "y"] }, maxItems: 3 },
  },
  required: ["name", "age"],
};

function compile(value: unknown, words = vocabulary) {
  return compileConstraint(parseConstraint(value), words, (text) => tokenizer.encode(text));
}

function failure(action: () => unknown): UnmaskError {
  try {
    action();
  } catch (error) {
    if (error instanceof UnmaskError) return error;
  }
  throw new Error("nothing was thrown");
}

interface Case {
  readonly name: string;
  readonly constraint: unknown;
  readonly cells: number;
  readonly holds: (text: string) => boolean;
}

const CASES: readonly Case[] = [
  {
    name: "a regular expression",
    constraint: { regex: "\\d{4}-\\d{2}-\\d{2}" },
    cells: 12,
    holds: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text),
  },
  {
    name: "a JSON schema",
    constraint: { jsonSchema: PERSON },
    cells: 40,
    holds: (text) => {
      const value = JSON.parse(text) as { name: string; age: number };
      return Array.from(value.name).length <= 8 && value.age >= 0 && value.age <= 120;
    },
  },
  {
    name: "words",
    constraint: { banned: ["e", "cat"], required: ["dog", "moon"] },
    cells: 16,
    holds: (text) => !/e|cat/.test(text) && text.includes("dog") && text.includes("moon"),
  },
  {
    name: "an expression with words",
    constraint: { regex: "[a-z]+( [a-z]+)*\\.", banned: ["a"], required: ["fox"] },
    cells: 10,
    holds: (text) => /^[b-z]+( [b-z]+)*\.$/.test(text) && text.includes("fox"),
  },
  {
    name: "literals",
    constraint: { literals: [{ at: 3, text: " the end" }], banned: ["z"] },
    cells: 8,
    holds: (text) => text.includes(" the end") && !text.includes("z"),
  },
];

test.each(CASES)(
  "$name holds in any order of commits and for any candidates",
  ({ constraint, cells, holds }) => {
    const compiled = compile(constraint);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(1e6), fc.array(fc.nat(4095), { maxLength: 6 }), fc.nat(1e6)), {
          minLength: cells,
          maxLength: cells,
        }),
        (turns) => {
          const span = { start: 2, end: 2 + cells };
          const canvas = new Int32Array(span.end + 3).fill(MASK, span.start, span.end);
          for (const { row, id } of compiled.placements(span)) canvas[row] = id;
          const tracker = compiled.track(canvas, span, MASK);
          tracker.requireFeasible();
          for (const [order, candidates, otherwise] of turns) {
            const masked = Array.from(canvas.keys()).filter((row) => canvas[row] === MASK);
            if (masked.length === 0) break;
            const row = masked[order % masked.length]!;
            const allowed = tracker.allowed(row, candidates);
            const every = tracker.allowedIds(row);
            expect(allowed).toEqual(candidates.map((id) => every.includes(id)));
            expect(allowed).toEqual(candidates.map((id) => tracker.isAllowed(row, id)));
            canvas[row] = candidates.find((_, k) => allowed[k]) ?? every[otherwise % every.length]!;
            tracker.commit(row, canvas[row]);
          }
          expect(tracker.isComplete()).toBe(true);
          const ids = canvas.slice(span.start, span.end);
          const end = ids.findIndex((id) => id === EOS || id === PAD);
          const text = tokenizer.decode(end === -1 ? ids : ids.slice(0, end));
          expect([text, holds(text)]).toEqual([text, true]);
        },
      ),
      { numRuns: 15 },
    );
  },
);

test("a tracker that is synchronised says what a new one says", () => {
  const compiled = compile({ regex: "[a-z]{3,9}" });
  const span = { start: 1, end: 4 };
  const canvas = Int32Array.of(0, MASK, MASK, MASK, 0);
  const tracker = compiled.track(canvas, span, MASK);
  const word = tokenizer.encode("fox")[0]!;
  for (const [row, id] of [
    [1, word],
    [3, EOS],
    [1, MASK],
    [2, word],
  ] as const) {
    canvas[row] = id;
    tracker.sync(canvas);
    const fresh = compiled.track(canvas, span, MASK);
    for (const masked of [1, 2, 3].filter((at) => canvas[at] === MASK)) {
      expect(tracker.allowedIds(masked)).toEqual(fresh.allowedIds(masked));
    }
  }
});

test("the best path of row statistics is the best allowed text", () => {
  const [yes, no, maybe] = [" yes", " no", " maybe"].map((text) => tokenizer.encode(text));
  expect([yes!.length, no!.length]).toEqual([1, 1]);
  const stats: RowStats = {
    rows: Int32Array.of(5, 6),
    lse: Float64Array.of(3, 2),
    k: 3,
    topIds: Int32Array.of(maybe![0]!, no![0]!, yes![0]!, yes![0]!, EOS, PAD),
    topLogits: Float64Array.of(2.5, 2, 1, 1.5, 0.5, 0.25),
    sampledIds: new Int32Array(2),
    sampledLogits: new Float64Array(2),
  };
  const canvas = new Int32Array(7).fill(MASK, 5);
  const tracker = compile({ regex: " yes| no" }).track(canvas, { start: 5, end: 7 }, MASK);
  const path = tracker.bestPath({ start: 5, end: 7 }, rowChoices(stats))!;
  expect(path).toEqual({ ids: Int32Array.of(no![0]!, EOS), logProbability: -1 + -1.5, passed: 0 });
});

test("gaps without end tokens are filled to the last cell", () => {
  const compiled = compile({ regex: "[0-9]{3}" }, vocabularyOf(tokenizer, [], []));
  const tracker = compiled.track(new Int32Array(4).fill(MASK), { start: 0, end: 4 }, MASK);
  expect(tracker.isFeasible()).toBe(false);
});

test("the lengths of whole texts are those in which a tracker is feasible", () => {
  const inGaps = vocabularyOf(tokenizer, [], []);
  for (const constraint of [
    { regex: "(ab|cde){2,4}" },
    { regex: "(ab)?" },
    { regex: "\\d{3}(\\.\\d{2})?" },
    { literals: [{ at: 2, text: "the end" }], required: ["moon"] },
  ]) {
    const compiled = compile(constraint, inGaps);
    const feasible = Array.from({ length: 13 }, (_, cells) => cells).filter((cells) => {
      const span = { start: 0, end: cells };
      const canvas = new Int32Array(cells).fill(MASK);
      try {
        for (const { row, id } of compiled.placements(span)) canvas[row] = id;
      } catch {
        return false;
      }
      return compiled.track(canvas, span, MASK).isFeasible();
    });
    expect(compiled.lengths(12)).toEqual(feasible);
  }
});

test("a constraint that does not fit its cells says how many it needs", () => {
  const canvas = new Int32Array(3).fill(MASK);
  const tracker = compile({ regex: "[\\u{1F600}]{2}" }).track(canvas, { start: 0, end: 3 }, MASK);
  const error = failure(() => tracker.requireFeasible());
  expect(error.code).toBe("invalid-options");
  expect(error.message).toMatch(/cannot be met in 3 cells: its shortest text needs \d+ tokens/);
});

test("tokens that are never chosen are never allowed", () => {
  const [word] = tokenizer.encode(" yes");
  const tracker = compile({ regex: " yes" }, vocabularyOf(tokenizer, [EOS], [word!, EOS])).track(
    new Int32Array(3).fill(MASK),
    { start: 0, end: 3 },
    MASK,
  );
  expect(tracker.allowed(0, [word!, EOS])).toEqual([false, false]);
  expect(tracker.isFeasible()).toBe(true);
});

test("literals stand where they are put or are refused", () => {
  const compiled = compile({
    literals: [
      { at: 2, text: " yes" },
      { at: 0, text: " no" },
    ],
  });
  expect(compiled.placements({ start: 10, end: 14 })).toEqual([
    { row: 12, id: tokenizer.encode(" yes")[0] },
    { row: 10, id: tokenizer.encode(" no")[0] },
  ]);
  expect(failure(() => compiled.placements({ start: 10, end: 12 })).message).toContain("only 2 cells");
});

test("the schema of the constraint can be shown as JSON Schema", () => {
  expect(Object.keys(toJsonSchema(constraintSchema).properties!)).toContain("jsonSchema");
});

test.each<[string, unknown, string]>([
  ["an unknown key", { regx: "a" }, 'Did you mean "regex"'],
  ["nothing", {}, "needs one of"],
  ["two kinds", { regex: "a", literals: [{ at: 0, text: "a" }] }, "only one of"],
  ["a text", "a*", "constraint"],
  ["an empty word", { banned: [""] }, "constraint.banned.0"],
  ["a literal in front", { literals: [{ at: -1, text: "a" }] }, "constraint.literals.0.at"],
  ["an unknown key of a literal", { literals: [{ at: 1, text: "a", row: 1 }] }, "constraint.literals.0.row"],
  ["a bad expression", { regex: "a(" }, "position 1"],
  ["an impossible expression", { regex: "[^\\s\\S]" }, "No text satisfies"],
  ["words that exclude each other", { banned: ["ox"], required: ["fox"] }, "No text satisfies"],
  [
    "literals in one cell",
    {
      literals: [
        { at: 0, text: "a" },
        { at: 0, text: "b" },
      ],
    },
    "Two literals",
  ],
  ["an endless schema", { jsonSchema: { type: "string", description: "x".repeat(200_001) } }, "at most"],
  ["words that explode", { required: Array.from({ length: 8 }, (_, i) => `${i}`.repeat(150)) }, "too large"],
])("%s is refused by name", (_case, value, message) => {
  const error = failure(() => compile(value));
  expect(error.code).toBe("invalid-options");
  expect(error.message).toContain(message);
});
