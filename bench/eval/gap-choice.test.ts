import { expect, test } from "vitest";
import { chooseGap } from "./gap-choice.ts";

const TEXT = 'One day Tim ran. "Where is it?" he asked. The end came.\nSecond part here.\nLast one.';
const words = (piece: string) => 4 * piece.split(" ").length;

test("the pieces make up the text, whatever is drawn", () => {
  for (const kind of ["word", "sentence", "paragraph"] as const) {
    for (let seed = 0; seed < 20; seed++) {
      const cut = chooseGap(TEXT, kind, words, seed);
      if (cut !== null) expect(cut.before + cut.gold + cut.after).toBe(TEXT);
    }
  }
});

test("words are whole, sentences end at their mark, paragraphs at the line, and all have neighbours", () => {
  const golds = (kind: "word" | "sentence" | "paragraph", size: (piece: string) => number) =>
    new Set(Array.from({ length: 200 }, (_, seed) => chooseGap(TEXT, kind, size, seed)?.gold));
  const found = golds("word", () => 1);
  expect(found.has("Tim")).toBe(true);
  expect(found.has("One")).toBe(false); // the first
  expect([...found].every((word) => /^\p{L}+$/u.test(word!))).toBe(true);
  expect(golds("sentence", () => 12)).toEqual(
    new Set(['"Where is it?"', "he asked.", "The end came.", "Second part here."]),
  );
  expect(golds("paragraph", () => 30)).toEqual(new Set(["Second part here."]));
});

test("sizes outside the range are not taken", () => {
  expect(chooseGap(TEXT, "sentence", () => 30, 1)).toBeNull();
  expect(chooseGap("Short.", "paragraph", () => 30, 1)).toBeNull();
});
