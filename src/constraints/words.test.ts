import fc from "fast-check";
import { expect, test } from "vitest";
import { type ByteDfa, runDfa } from "./dfa.ts";
import { utf8Bytes } from "./utf8.ts";
import { withoutWords, withWord } from "./words.ts";

const letters = fc.constantFrom("a", "b", "é");
const word = fc.array(letters, { minLength: 1, maxLength: 4 }).map((chars) => chars.join(""));
const text = fc.array(fc.oneof(letters, fc.constant("x")), { maxLength: 12 }).map((chars) => chars.join(""));

function accepts(dfa: ByteDfa, sample: string): boolean {
  const state = runDfa(dfa, dfa.start, utf8Bytes(sample));
  return state >= 0 && dfa.accepting[state] === 1;
}

test("texts without any of the words", () => {
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), text, (words, sample) => {
      const dfa = withoutWords(words.map(utf8Bytes));
      expect(accepts(dfa, sample)).toBe(!words.some((each) => sample.includes(each)));
    }),
    { numRuns: 500 },
  );
});

test("texts with the word", () => {
  fc.assert(
    fc.property(word, text, (each, sample) => {
      expect(accepts(withWord(utf8Bytes(each)), sample)).toBe(sample.includes(each));
    }),
    { numRuns: 500 },
  );
});
