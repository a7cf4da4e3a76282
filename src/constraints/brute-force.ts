import { determinise } from "./dfa.ts";
import { compileNfa } from "./nfa.ts";
import { parseRegex } from "./regex.ts";
import { createTokenAutomaton, type TokenAutomaton } from "./token-automaton.ts";
import { utf8Bytes } from "./utf8.ts";

/** The constraint layer's reference for tests: a vocabulary so small that every filling can be tried. */
export const TEXTS = ["a", "b", "c", "ab", "bc", "", "", "", "a"];
export const EOS = 5;
export const PAD = 6;
export const MASK = 7;

/** The automaton of `source` over {@link TEXTS}; with `ends`, EOS and PAD end a text. */
export function smallAutomaton(source: string, ends = true): TokenAutomaton {
  return createTokenAutomaton(determinise(compileNfa(parseRegex(source))), {
    tokens: TEXTS.map((text) => Uint8Array.from(utf8Bytes(text))),
    endIds: ends ? [EOS, PAD] : [],
  });
}

/** Whether a row without masks satisfies `source`: text, then end tokens only. */
export function isInLanguage(source: string, ids: readonly number[], ends = true): boolean {
  const isEnd = (id: number): boolean => id === EOS || id === PAD;
  const end = ids.findIndex(isEnd);
  const text = end === -1 ? ids : ids.slice(0, end);
  if (end !== -1 && !(ends && ids.slice(end).every(isEnd))) return false;
  if (text.includes(MASK)) return false;
  return new RegExp(`^(?:${source})$`, "u").test(text.map((id) => TEXTS[id]).join(""));
}

/** Every filling of the masks in `ids`. */
export function fillings(ids: readonly number[]): number[][] {
  return ids.reduce<number[][]>(
    (rows, id) =>
      rows.flatMap((row) => (id === MASK ? TEXTS.map((_, token) => [...row, token]) : [[...row, id]])),
    [[]],
  );
}

/** Every filling of the masks in `ids` that satisfies `source`. */
export function solutions(source: string, ids: readonly number[], ends = true): number[][] {
  return fillings(ids).filter((row) => isInLanguage(source, row, ends));
}
