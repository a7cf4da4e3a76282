import { expect, test } from "vitest";
import { isHeldOut, readHeldOut, splitDocuments } from "./corpus.ts";

test("every story of the fixture is one that training holds out, and none comes twice", async () => {
  const { text, missing } = await readHeldOut("/nowhere");
  const worlds = text.get("worlds")!;
  expect(worlds).toHaveLength(100);
  expect(worlds.every(isHeldOut)).toBe(true);
  expect(new Set(worlds).size).toBe(100);
  expect(missing[0]!.skipped).toContain("there is no /nowhere/tinystories-fragments.txt.xz");
});

test("about one document in fifty is held out, by sha1 as in Python", () => {
  expect(Array.from({ length: 200 }, (_, i) => `w${i}`).filter(isHeldOut)).toEqual([
    "w10",
    "w24",
    "w32",
    "w54",
  ]);
});

test("documents are cut at their separator and stripped", () => {
  expect(splitDocuments(" a\nb\n<|endoftext|>\n\n<|endoftext|>c\n")).toEqual(["a\nb", "c"]);
});
