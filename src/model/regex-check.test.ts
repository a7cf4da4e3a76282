import { expect, test } from "vitest";
import { regexProblem, tokenizerProblem } from "./regex-check.ts";

/** Patterns of published tokenizers, and those that hang a backtracking engine. */
const PUBLISHED = [
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*`,
  String.raw`'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\n|[^\S\n]+`,
  String.raw`(?<!\S)x{2}|[[:alpha:]]+`,
];

test("what published tokenizers are written with may run", () => {
  for (const source of PUBLISHED) expect(regexProblem(source), source).toBeUndefined();
});

test("what can take exponential time, or refers back, is named", () => {
  for (const [source, problem] of [
    ["(a+)+$", /repetition/],
    ["(?:a*)*b", /repetition/],
    ["((a+))+b", /repetition/],
    ["(?:x(?:a+)?)*b", /repetition/],
    ["(a|aa)+$", /alternation/],
    ["(a|a)*?$", /alternation/],
    ["(?:a{1,50}){9,}", /repetition/],
    ["a*a*a*a*a*a*b", /in a row/],
    ["(?:a*a*)(?:a*a*)(?:a*)b", /in a row/],
    ["(a{1000}){1000}", /often/],
    [String.raw`(.)\1`, /back/],
    ["(".repeat(60) + ")".repeat(60), /deeply/],
    ["a".repeat(10_001), /characters/],
  ] as const) {
    expect(regexProblem(source), source).toMatch(problem);
  }
});

test("broken patterns end, whatever they hold", () => {
  for (const source of [
    "(",
    ")",
    "[",
    "[[",
    "\\",
    "(?",
    "(?<",
    "{1",
    "a{,}",
    "]]",
    "(?P<n>a)",
    "*",
    "+*?{",
  ]) {
    expect(() => regexProblem(source), source).not.toThrow();
  }
});

test("patterns are found wherever they stand, and nesting has an end", () => {
  const split = (Regex: string) => ({ type: "Split", pattern: { Regex } });
  expect(tokenizerProblem({ pre_tokenizer: { pretokenizers: [split(PUBLISHED[0]!)] } })).toBeUndefined();
  expect(tokenizerProblem({ pre_tokenizer: { pretokenizers: [split("(a+)+")] } })).toContain("(a+)+");
  expect(tokenizerProblem({ normalizer: split("(a|b)*") })).toContain("alternation");
  let deep: unknown = split("a");
  for (let i = 0; i < 100_000; i++) deep = [deep];
  expect(tokenizerProblem({ decoder: deep })).toContain("deeply");
  expect(tokenizerProblem({})).toBeUndefined();
});
