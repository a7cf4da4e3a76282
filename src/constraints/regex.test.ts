import fc from "fast-check";
import { expect, test } from "vitest";
import { UnmaskError } from "../core/errors.ts";
import { type ByteDfa, determinise, runDfa } from "./dfa.ts";
import { intersect } from "./intersect.ts";
import { compileNfa } from "./nfa.ts";
import { parseRegex, parseSearchRegex } from "./regex.ts";
import { utf8Bytes } from "./utf8.ts";

function compile(source: string): ByteDfa {
  return determinise(compileNfa(parseRegex(source)));
}

function matches(dfa: ByteDfa, text: string): boolean {
  const state = runDfa(dfa, dfa.start, utf8Bytes(text));
  return state >= 0 && dfa.accepting[state] === 1;
}

function failure(source: string): UnmaskError {
  try {
    compile(source);
  } catch (error) {
    if (error instanceof UnmaskError) return error;
  }
  throw new Error(`${source} was accepted`);
}

const ATOMS = [
  "a",
  "b",
  "é",
  "😀",
  ".",
  "\\d",
  "\\W",
  "\\s",
  "\\S",
  "[a-c]",
  "[^b]",
  "[é-ü\\d]",
  "\\n",
  "\\u{1F600}",
];

const source: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(...ATOMS),
    fc.tuple(tie("node"), tie("node")).map(([a, b]) => a + b),
    fc.tuple(tie("node"), tie("node")).map(([a, b]) => `(?:${a}|${b})`),
    fc
      .tuple(tie("node"), fc.constantFrom("*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?"))
      .map(([a, quantifier]) => `(${a})${quantifier}`),
  ),
})).node;

const text = fc
  .array(fc.constantFrom("a", "b", "c", "é", "ü", "😀", "7", " ", "\n", "\u2028", "\u3000", "_", "ￜ"), {
    maxLength: 6,
  })
  .map((chars) => chars.join(""));

test("an expression matches exactly the texts that ECMAScript matches", () => {
  fc.assert(
    fc.property(source, fc.array(text, { minLength: 5, maxLength: 20 }), (pattern, texts) => {
      const dfa = compile(pattern);
      const reference = new RegExp(`^(?:${pattern})$`, "u");
      for (const sample of texts)
        expect([sample, matches(dfa, sample)]).toEqual([sample, reference.test(sample)]);
    }),
    { numRuns: 300 },
  );
});

test("a search expression matches the texts in which ECMAScript finds it", () => {
  for (const pattern of ["ab", "^a", "b$", "^a|b$", "^ab$", "a.b"]) {
    const dfa = determinise(compileNfa(parseSearchRegex(pattern, "pattern")));
    for (const sample of ["", "a", "b", "ab", "xab", "abx", "ba", "b\n", "a\nb", "x"]) {
      expect([pattern, sample, matches(dfa, sample)]).toEqual([
        pattern,
        sample,
        new RegExp(pattern, "u").test(sample),
      ]);
    }
  }
});

test("equal languages have equal automata", () => {
  expect(compile("(a|b)*")).toEqual(compile("(?:a*b*)*"));
  expect(compile("a|ab|abc")).toEqual(compile("a(b(c)?)?"));
  expect(compile("[^\\s\\S]|x")).toEqual(compile("x"));
  expect(compile("(?:a|b){2}")).not.toEqual(compile("(?:a|b){3}"));
});

test("a date needs one state a character", () => {
  expect(compile("\\d{4}-\\d{2}-\\d{2}")).toMatchObject({ states: 11, start: 0, classes: 3 });
});

test("the intersection matches what both match", () => {
  fc.assert(
    fc.property(source, source, fc.array(text, { maxLength: 10 }), (first, second, texts) => {
      const [a, b] = [compile(first), compile(second)];
      const both = intersect(a, b);
      for (const sample of texts)
        expect(matches(both, sample)).toBe(matches(a, sample) && matches(b, sample));
      expect(both).toEqual(intersect(b, a));
    }),
    { numRuns: 100 },
  );
});

test("a class never holds a surrogate", () => {
  const dfa = compile("[\\u0000-\\uffff]");
  expect(runDfa(dfa, dfa.start, [0xed, 0xa0, 0x80])).toBe(-1);
  expect(matches(dfa, "\ue000")).toBe(true);
});

test.each([
  ["a**", 2, "cannot be repeated"],
  ["*a", 0, "nothing to repeat"],
  ["(a", 0, "not closed"],
  ["a)", 1, "never opened"],
  ["[a", 0, "not closed"],
  ["[b-a]", 1, "out of order"],
  ["[\\d-z]", 1, "single characters"],
  ["a{3,2}", 1, "out of order"],
  ["a{1001}", 1, "at most 1000"],
  ["a{x}", 1, "a count is written"],
  ["{a}", 0, "escape a plain bracket"],
  ["a(?=b)", 1, "only groups"],
  ["(a)\\1", 3, "\\1 is not supported"],
  ["\\bcat", 0, "\\b is not supported"],
  ["\\p{L}", 0, "\\p is not supported"],
  ["\\ud800", 0, "surrogate"],
  ["\\u{110000}", 0, "code point"],
  ["\\x4", 0, "hexadecimal"],
  ["a\\", 1, "backslash"],
  ["a^b", 1, '"^"'],
  ["(a$)", 2, '"$"'],
  ["a$b", 2, '"$"'],
  [`${"(".repeat(200)}a${")".repeat(200)}`, 100, "nested"],
])("%s is refused at its position", (pattern, position, message) => {
  const error = failure(pattern);
  expect(error.code).toBe("invalid-options");
  expect(error.detail).toEqual({ option: "constraint.regex", position });
  expect(error.message).toContain(message);
});

test.each([
  ["((a{1000}){1000}){1000}"],
  [".*a.{30}"],
  ["(?:(?:a?){300}){300}"],
  [`(?:${"(?:x+x+)+".repeat(300)}y){50}`],
  [`${"(?:".repeat(99)}a${"?)*".repeat(99)}{900}`],
  ["((((){1000}){1000}){1000}){1000}"],
  ["a".repeat(10_001)],
])("an expression that explodes is refused in bounded time (%#)", (pattern) => {
  const begun = performance.now();
  expect(failure(pattern).code).toBe("invalid-options");
  expect(performance.now() - begun).toBeLessThan(20_000);
});
