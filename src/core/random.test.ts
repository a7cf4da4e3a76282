import fc from "fast-check";
import { expect, test } from "vitest";
import { gumbel, hash3, hashWords, uniform } from "./random.ts";

test("the hash is MurmurHash3_x86_32", () => {
  expect(hashWords(0, [])).toBe(0);
  expect(hashWords(1, [1, 2, 3])).toBe(887376393);
  expect(hashWords(4294967295, [1])).toBe(334013770);
});

const word = fc.integer({ min: 0, max: 0xffff_ffff });

test("the hash of three words agrees with the hash of an array", () => {
  fc.assert(
    fc.property(word, word, word, word, (s, a, b, c) => hash3(s, a, b, c) === hashWords(s, [a, b, c])),
  );
});

test("uniforms are inside the open interval and exact in float32, noise is finite", () => {
  fc.assert(
    fc.property(word, word, word, word, (s, a, b, c) => {
      const u = uniform(s, a, b, c);
      expect(u > 0 && u < 1 && Math.fround(u) === u).toBe(true);
      const noise = gumbel(s, a, b, c);
      expect(noise > -2.9 && noise < 16.7).toBe(true);
    }),
  );
});

test("uniforms are spread evenly", () => {
  let sum = 0;
  for (let row = 0; row < 10_000; row++) sum += uniform(7, 1, row, 3);
  expect(sum / 10_000).toBeCloseTo(0.5, 1);
});

test("the extreme uniforms stay exact in float32", () => {
  for (const bits of [0, 2 ** 23 - 1]) {
    const u = (bits + 0.5) / 2 ** 23;
    expect(Math.fround(u)).toBe(u);
    expect(u > 0 && u < 1).toBe(true);
  }
});
