import fc from "fast-check";
import { expect, test } from "vitest";
import { createRunFinder } from "./shared-run.ts";

const words = (text: string): string[] => text.split(" ");

test("the longest run each sample shares with any document", () => {
  const finder = createRunFinder([
    words("once upon a time there was a fox"),
    words("the dog ran home"),
    words("nothing alike"),
  ]);
  finder.read(words("there was a fox who ran home"));
  finder.read(words("long ago upon a time there lived the dog"));
  expect(finder.longest()).toEqual([4, 2, 0]);
});

test("runs cross neither documents nor samples", () => {
  const finder = createRunFinder([words("a b"), words("c d")]);
  finder.read(words("a b c d"));
  expect(finder.longest()).toEqual([2, 2]);
  const apart = createRunFinder([words("a b c d")]);
  apart.read(words("a b"));
  apart.read(words("c d"));
  expect(apart.longest()).toEqual([2]);
});

test("agrees with comparing every pair of places", () => {
  const text = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 12 });
  const texts = fc.array(text, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(texts, texts, (samples, documents) => {
      const finder = createRunFinder(samples);
      for (const document of documents) finder.read(document);
      expect(finder.longest()).toEqual(
        samples.map((sample) => Math.max(...documents.map((document) => naive(sample, document)))),
      );
    }),
  );
});

function naive(a: readonly string[], b: readonly string[]): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < b.length; j++) {
      let n = 0;
      while (i + n < a.length && j + n < b.length && a[i + n] === b[j + n]) n++;
      most = Math.max(most, n);
    }
  }
  return most;
}
