import type { CharSet } from "./char-set.ts";

/** A regular language of texts: what a regular expression or a JSON schema means before it becomes an automaton. */
export type Pattern =
  | { readonly type: "chars"; readonly set: CharSet }
  | { readonly type: "sequence"; readonly parts: readonly Pattern[] }
  | { readonly type: "choice"; readonly options: readonly Pattern[] }
  | {
      readonly type: "repeat";
      readonly body: Pattern;
      readonly min: number;
      /** `null`: any number of times. */
      readonly max: number | null;
    }
  /** The texts of `body` as JSON writes them inside a string literal, without the quotes. */
  | { readonly type: "json-string"; readonly body: Pattern };

/** Any character. */
export const ANY_CHAR: Pattern = {
  type: "chars",
  set: [
    [0, 0xd7ff],
    [0xe000, 0x10ffff],
  ],
};

export const ANY_TEXT: Pattern = { type: "repeat", body: ANY_CHAR, min: 0, max: null };

/** One space or none. */
export const SPACE: Pattern = {
  type: "repeat",
  body: { type: "chars", set: [[0x20, 0x20]] },
  min: 0,
  max: 1,
};

export function literal(text: string): Pattern {
  const parts = Array.from(text, (char): Pattern => {
    const code = char.codePointAt(0)!;
    return { type: "chars", set: [[code, code]] };
  });
  return { type: "sequence", parts };
}

export function sequence(...parts: readonly Pattern[]): Pattern {
  return parts.length === 1 ? parts[0]! : { type: "sequence", parts };
}

/** Without options: the empty language. */
export function choice(...options: readonly Pattern[]): Pattern {
  return options.length === 1 ? options[0]! : { type: "choice", options };
}

export function repeat(body: Pattern, min: number, max: number | null): Pattern {
  return { type: "repeat", body, min, max };
}

export function optional(body: Pattern): Pattern {
  return repeat(body, 0, 1);
}
