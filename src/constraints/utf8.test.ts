import { expect, test } from "vitest";
import { complement, union } from "./char-set.ts";
import { utf8Bytes, utf8Ranges } from "./utf8.ts";

test("a text is encoded as the Encoding standard does", () => {
  for (const text of ["", "aé€😀", "\ud800x", "\u{10ffff}\u007f\u0080\u07ff\u0800\uffff\u{10000}"]) {
    expect(utf8Bytes(text)).toEqual(Array.from(new TextEncoder().encode(text)));
  }
});

test("the byte ranges of all characters write each of them exactly once", () => {
  const all = utf8Ranges(complement([]));
  const count = all
    .map((bytes) => bytes.reduce((product, [low, high]) => product * (high - low + 1), 1))
    .reduce((sum, product) => sum + product, 0);
  expect(count).toBe(0x110000 - 0x800);
});

test("the byte ranges of a set write its characters and no others", () => {
  const set = union([[0x41, 0x1234]], [[0x5000, 0x12345]]);
  const ranges = utf8Ranges(complement(complement(set)));
  for (const code of [
    0x40, 0x41, 0x7f, 0x80, 0x7ff, 0x800, 0x1234, 0x1235, 0x4fff, 0x5000, 0xffff, 0x12345, 0x12346,
  ]) {
    const bytes = utf8Bytes(String.fromCodePoint(code));
    const written = ranges.filter(
      (range) =>
        range.length === bytes.length &&
        range.every(([low, high], i) => bytes[i]! >= low && bytes[i]! <= high),
    );
    expect([code, written.length]).toEqual([
      code,
      set.some(([low, high]) => code >= low && code <= high) ? 1 : 0,
    ]);
  }
});
