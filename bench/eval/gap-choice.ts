import { uniform } from "../../src/core/random.ts";

/** A text with a piece taken out. `before + gold + after` is the text. */
export interface Cut {
  readonly before: string;
  readonly gold: string;
  readonly after: string;
}

export type GapKind = "word" | "sentence" | "paragraph";

/** Tokens a gap may have. */
const SIZES: Readonly<Record<GapKind, readonly [number, number]>> = {
  word: [1, 8],
  sentence: [12, 20],
  paragraph: [20, 96],
};

/**
 * A random word, sentence of 12 to 20 tokens or paragraph of 20 to 96 tokens from inside a text: something stands before
 * and behind it. Null when the text has none.
 *
 * @param size tokens of a piece
 */
export function chooseGap(
  text: string,
  kind: GapKind,
  size: (piece: string) => number,
  seed: number,
): Cut | null {
  const [least, most] = SIZES[kind];
  const all = piecesOf(text, kind);
  const fitting = all.slice(1, -1).filter(([start, end]) => {
    const tokens = size(text.slice(start, end));
    return tokens >= least && tokens <= most;
  });
  const chosen = fitting[Math.floor(uniform(seed, 0, 0, 0) * fitting.length)];
  if (chosen === undefined) return null;
  const [start, end] = chosen;
  return { before: text.slice(0, start), gold: text.slice(start, end), after: text.slice(end) };
}

/** Places of all pieces of a kind, in order, without the white space around them. */
function piecesOf(text: string, kind: GapKind): (readonly [number, number])[] {
  // Words keep their hyphens and apostrophes; sentences end at a mark with the quotation mark behind it.
  const pattern = {
    word: /(?<=\s)\p{L}[\p{L}'-]*(?=[\s.,;:!?"])/gu,
    sentence: /[^\s][^.!?\n]*[.!?]+["']?(?=\s|$)/gu,
    paragraph: /[^\n]+/gu,
  }[kind];
  return [...text.matchAll(pattern)].map((match) => [match.index, match.index + match[0].length] as const);
}
