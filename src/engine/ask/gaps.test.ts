import { expect, test } from "vitest";
import { hasGaps } from "./gap-pattern.ts";
import { beforeGap, behindText, parseGaps } from "./gaps.ts";

test("cuts a text at its gaps", () => {
  expect(parseGaps("A [[8]] B[[2]]", 100)).toEqual([
    { kind: "text", text: "A " },
    { kind: "gap", cells: 8 },
    { kind: "text", text: " B" },
    { kind: "gap", cells: 2 },
  ]);
});

test("knows a gap when it sees one", () => {
  expect(hasGaps("a [[3]]")).toBe(true);
  expect(hasGaps("a [3] [[x]]")).toBe(false);
});

test.each([
  ["no gap here", "no-gaps"],
  ["[[-1]]", "no-gaps"],
  ["a [[0]]", "usage"],
  ["a [[000]]", "usage"],
  ["a [[101]]", "invalid-options"],
  [`a [[${"9".repeat(400)}]]`, "invalid-options"],
])("%s gives %s", (text, code) => {
  expect(() => parseGaps(text, 100)).toThrow(expect.objectContaining({ code }));
});

test("a space before a gap is left to the model, and not written twice", () => {
  expect(beforeGap("found a ")).toBe("found a");
  expect(beforeGap("found a")).toBe("found a");
  expect(beforeGap(" ")).toBe(" ");
  expect(behindText("found a ", " girl")).toBe("girl");
  expect(behindText("found a ", "girl")).toBe("girl");
  expect(behindText("found a", " girl")).toBe(" girl");
});
