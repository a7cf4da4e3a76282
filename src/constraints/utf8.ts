import type { CharSet } from "./char-set.ts";

/** Inclusive range of byte values. */
export type ByteRange = readonly [low: number, high: number];

/** First code point that no longer fits into one, two and three bytes. */
const LENGTH_BOUNDS = [0x80, 0x800, 0x10000, 0x110000];

/** UTF-8 of a text; a lone surrogate becomes U+FFFD as in the Encoding standard. The pure layers have no TextEncoder. */
export function utf8Bytes(text: string): number[] {
  return Array.from(text).flatMap((char) => {
    const code = char.codePointAt(0)!;
    return encode(code >= 0xd800 && code <= 0xdfff ? 0xfffd : code);
  });
}

/**
 * The byte sequences that write the characters of `set`: each is one range a byte, and every combination of bytes in
 * the ranges is a character of the set (the range splitting of Thompson's UTF-8 automata, as in Russ Cox, "Regular
 * Expression Matching in the Wild").
 */
export function utf8Ranges(set: CharSet): ByteRange[][] {
  return set.flatMap(([low, high]) => {
    const sequences: ByteRange[][] = [];
    let from = low;
    for (const bound of LENGTH_BOUNDS) {
      if (from >= bound || from > high) continue;
      splitRange(from, Math.min(high, bound - 1), sequences);
      from = bound;
    }
    return sequences;
  });
}

/** Splits code points of one encoded length until the bytes of both ends span a box. */
function splitRange(low: number, high: number, out: ByteRange[][]): void {
  const length = encode(low).length;
  for (let tail = 1; tail < length; tail++) {
    const mask = (1 << (6 * tail)) - 1;
    if ((low & ~mask) === (high & ~mask)) continue;
    if ((low & mask) !== 0) {
      splitRange(low, low | mask, out);
      splitRange((low | mask) + 1, high, out);
      return;
    }
    if ((high & mask) !== mask) {
      splitRange(low, (high & ~mask) - 1, out);
      splitRange(high & ~mask, high, out);
      return;
    }
  }
  const last = encode(high);
  out.push(encode(low).map((byte, i) => [byte, last[i]!]));
}

function encode(code: number): number[] {
  if (code < 0x80) return [code];
  if (code < 0x800) return [0xc0 | (code >> 6), 0x80 | (code & 63)];
  if (code < 0x10000) return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)];
  return [0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)];
}
