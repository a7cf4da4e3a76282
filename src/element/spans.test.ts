import { expect, test } from "vitest";
import type { Piece } from "../core/types.ts";
import type { Cell, Frame } from "./run-log.ts";
import { displaySpans, plainText, visible } from "./spans.ts";

const MASK = 0;
const EOS = 1;
const PIECES = new Map<number, Piece>([
  [EOS, ""],
  [2, "Once"],
  [3, " upon"],
  [4, "\n\n"],
  [5, [0xf0, 0x9f]],
  [6, [0xa6, 0x8a]],
  [7, " \u202eevil"],
]);

function cell(id: number, more: Partial<Cell> = {}): Cell {
  return { id, conf: 0.95, born: 1, given: false, taken: 0, wavering: false, ...more };
}

function frame(position: number, cells: readonly Cell[]): Frame {
  const masksLeft = cells.filter(({ id }) => id === MASK).length;
  return { position, cells, maskId: MASK, masksLeft, nfe: 0, ms: 0, committed: 0, revising: false };
}

const kinds = (at: Frame): string[] => displaySpans(at, PIECES).map(({ kind }) => kind);

test("a token is fresh in its step, cools over two, then is settled", () => {
  const ages = [0, 1, 2, 3].map((age) => kinds(frame(1 + age, [cell(2), cell(MASK)]))[0]);
  expect(ages).toEqual(["fresh", "cooling", "cooling", "settled"]);
});

test("when nothing is masked any more everything is settled", () => {
  expect(kinds(frame(1, [cell(2), cell(3)]))).toEqual(["settled", "settled"]);
});

test("a token taken back is told apart from a mask for two steps", () => {
  const back = cell(MASK, { taken: 3 });
  expect([3, 4, 5].map((position) => kinds(frame(position, [back]))[0])).toEqual(["taken", "taken", "mask"]);
});

test("white space stays outside the word, line breaks stay in the text", () => {
  const [, upon, lines] = displaySpans(frame(9, [cell(2), cell(3), cell(4)]), PIECES);
  expect(upon).toMatchObject({ lead: " ", word: "upon", tail: "" });
  expect(lines).toMatchObject({ lead: "\n\n", word: "", doubt: "none" });
});

test("bytes of a character split over tokens are drawn as one", () => {
  const spans = displaySpans(frame(9, [cell(2), cell(5), cell(6)]), PIECES);
  expect(spans.map(({ word }) => word)).toEqual(["Once", "🦊", ""]);
  expect(spans[2]?.kind).toBe("hidden");
});

test("half a character is a replacement sign until the rest is there", () => {
  const [half] = displaySpans(frame(9, [cell(5), cell(MASK)]), PIECES);
  expect(half?.word).toBe("\ufffd");
});

test("an end token leaves one tiny mark, further ones nothing", () => {
  expect(kinds(frame(9, [cell(2), cell(EOS), cell(EOS)]))).toEqual(["settled", "end", "hidden"]);
  expect(kinds(frame(9, [cell(EOS, { given: true }), cell(2)]))).toEqual(["hidden", "settled"]);
});

test("controls that reorder text are shown by code point, joiners and line breaks are kept", () => {
  const [evil] = displaySpans(frame(9, [cell(7)]), PIECES);
  expect(evil?.word).toBe("‹U+202E›evil");
  expect(visible("a\u200bb\ufeff")).toBe("a‹U+200B›b‹U+FEFF›");
  expect(visible("a\n\tb 👩\u200d🚀")).toBe("a\n\tb 👩\u200d🚀");
});

test("doubt grows as confidence falls; an unknown confidence is no doubt", () => {
  const doubts = [0.6, 0.35, 0.15, 0.14, null].map(
    (conf) => displaySpans(frame(9, [cell(2, { conf })]), PIECES)[0]?.doubt,
  );
  expect(doubts).toEqual(["none", "hair", "line", "doubt", "none"]);
});

test("plain text names a run of masks once", () => {
  const spans = displaySpans(
    frame(1, [cell(2, { given: true }), cell(MASK), cell(MASK), cell(3), cell(EOS)]),
    PIECES,
  );
  expect(plainText(spans)).toBe("Once … upon");
});

test("written tokens are provisional while the run may take them back, the user's never", () => {
  const cells = [cell(2, { given: true }), cell(3), cell(MASK)];
  const provisional = (at: Frame): boolean[] => displaySpans(at, PIECES).map((span) => span.provisional);
  expect(provisional({ ...frame(9, cells), revising: true })).toEqual([false, true, false]);
  expect(provisional(frame(9, cells))).toEqual([false, false, false]);
  expect(provisional({ ...frame(9, cells.slice(0, 2)), revising: true })).toEqual([false, false]);
});

test("a token that the model wavered over is marked as doubtful however sure it was in the end", () => {
  const spans = displaySpans(
    frame(9, [cell(2, { wavering: true }), cell(4, { wavering: true }), cell(3)]),
    PIECES,
  );
  expect(spans.map(({ doubt }) => doubt)).toEqual(["doubt", "none", "none"]);
});
