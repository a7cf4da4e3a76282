import { type ByteDfa, determinise, runDfa } from "../constraints/dfa.ts";
import { compileNfa } from "../constraints/nfa.ts";
import { parseRegex, parseSearchRegex } from "../constraints/regex.ts";
import { utf8Bytes } from "../constraints/utf8.ts";

/** Rewards of a text by name: no model, linear in the text, larger is better, from 0 to 1. */

/** 1 at `wanted` tokens, falling in a straight line to 0 at none and at twice as many. */
export function lengthReward(tokens: number, wanted: number): number {
  return Math.max(0, 1 - Math.abs(tokens - wanted) / wanted);
}

/** Share of `keywords` that occur in `text`, as part of a word too; capitals do not matter. */
export function keywordReward(text: string, keywords: readonly string[]): number {
  const lower = text.toLowerCase();
  return keywords.filter((word) => lower.includes(word.toLowerCase())).length / keywords.length;
}

/** Different n-grams of words over all of them (distinct-n, arXiv 1510.03055); 0 for a text of fewer words. */
export function distinctReward(text: string, n: number): number {
  const words = text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
  const total = words.length - n + 1;
  if (total <= 0) return 0;
  return new Set(Array.from({ length: total }, (_, i) => words.slice(i, i + n).join(" "))).size / total;
}

/**
 * 1 where `source` matches some part of a text, else 0.
 *
 * @throws UnmaskError `invalid-options` for an expression that is malformed or too large
 */
export function regexReward(source: string): (text: string) => number {
  const dfa = determinise(compileNfa(parseSearchRegex(source, "search.score.regex")));
  return (text) => {
    const at = runDfa(dfa, dfa.start, utf8Bytes(text));
    return at >= 0 && dfa.accepting[at] === 1 ? 1 : 0;
  };
}

/** Bytes at the end of a text in which an answer is looked for: an answer starts at each of them. */
const MAX_SEARCHED = 8192;

/**
 * Finds the last match of `source` in a text, the longest one from where it starts; null without one. Matches are
 * taken from left to right and do not overlap.
 *
 * @throws UnmaskError `invalid-options` for an expression that is malformed or too large
 */
export function answerFinder(source: string): (text: string) => string | null {
  const dfa = determinise(compileNfa(parseRegex(source, "search.answer")));
  return (text) => {
    const chars = Array.from(text).slice(-MAX_SEARCHED);
    const bytes = chars.map(utf8Bytes);
    let last: string | null = null;
    for (let start = 0; start < chars.length; ) {
      const end = longestMatch(dfa, bytes, start);
      if (end > start) last = chars.slice(start, end).join("");
      start = Math.max(end, start + 1);
    }
    return last;
  };
}

/** Where the longest match from `start` ends, in characters; `start` without one. */
function longestMatch(dfa: ByteDfa, chars: readonly (readonly number[])[], start: number): number {
  let end = start;
  let state = dfa.start;
  for (let at = start; at < chars.length && state >= 0; at++) {
    state = runDfa(dfa, state, chars[at]!);
    if (state >= 0 && dfa.accepting[state] === 1) end = at + 1;
  }
  return end;
}
