/** Sets of Unicode code points as sorted, disjoint, inclusive ranges. Surrogates are in none: UTF-8 cannot write them. */
export type CharSet = readonly (readonly [low: number, high: number])[];

const MAX_CODE_POINT = 0x10ffff;

export const DIGITS: CharSet = [[0x30, 0x39]];

/** `\w` of ECMAScript: ASCII letters, digits and the underscore. */
export const WORD_CHARS: CharSet = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];

/** `\s` of ECMAScript: its white space and line terminators. */
export const SPACES: CharSet = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];

/** What the dot leaves out. */
export const LINE_ENDS: CharSet = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];

const SURROGATES: CharSet = [[0xd800, 0xdfff]];

export function union(...sets: readonly CharSet[]): CharSet {
  const ranges = sets.flat().toSorted((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [low, high] of ranges) {
    const last = merged.at(-1);
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else merged.push([low, high]);
  }
  return merged;
}

/** Every code point that is not in `set` and can be written in UTF-8. */
export function complement(set: CharSet): CharSet {
  const gaps: [number, number][] = [];
  let from = 0;
  for (const [low, high] of union(set, SURROGATES)) {
    if (low > from) gaps.push([from, low - 1]);
    from = high + 1;
  }
  if (from <= MAX_CODE_POINT) gaps.push([from, MAX_CODE_POINT]);
  return gaps;
}

export function subtract(set: CharSet, without: CharSet): CharSet {
  return complement(union(complement(set), without));
}
