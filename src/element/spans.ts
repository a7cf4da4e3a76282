import type { Piece } from "../core/types.ts";
import type { Cell, Frame } from "./run-log.ts";

/** What a cell looks like: each is told apart by shape as well as by colour (look.md). */
export type SpanKind = "given" | "mask" | "taken" | "fresh" | "cooling" | "settled" | "end" | "hidden";
/** Confidence told by underline weight: none from 60 %, hair from 35 %, line from 15 %, doubt below and where it wavered. */
export type Doubt = "none" | "hair" | "line" | "doubt";

/** One cell ready to draw. White space around the word is kept apart so that underlines touch only the word. */
export interface DisplaySpan {
  readonly kind: SpanKind;
  readonly doubt: Doubt;
  /** Written, but may still be taken back. */
  readonly provisional: boolean;
  readonly lead: string;
  readonly word: string;
  readonly tail: string;
  /** Confidence in whole percent, -1 when unknown. */
  readonly percent: number;
}

const FRESH_STEPS = 2;
const WRITTEN: ReadonlySet<SpanKind> = new Set<SpanKind>(["fresh", "cooling", "settled"]);
/** Controls and format characters can reorder or hide text: they are shown by code point (peers.md 6.5). */
const CONTROLS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
/** Tab, line feed, and the two joiners that emoji and many scripts need. */
const ALLOWED = new Set(["\t", "\n", "\u200c", "\u200d"]);

/** Replaces control characters by their visible code point, `U+202E`, so that text cannot rearrange itself. */
export function visible(text: string): string {
  return text.replace(CONTROLS, (char) => (ALLOWED.has(char) ? char : `‹U+${codePoint(char)}›`));
}

function codePoint(char: string): string {
  return char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
}

/** The spans of a frame, one a cell, in order. Bytes of a character split over tokens are drawn by its first cell. */
export function displaySpans(frame: Frame, pieces: ReadonlyMap<number, Piece>): DisplaySpan[] {
  const texts = cellTexts(frame, pieces);
  const settledAge = frame.masksLeft === 0 ? -1 : FRESH_STEPS;
  return frame.cells.map((cell, row) => {
    const text = texts[row]!;
    const kind = kindOf(cell, frame, text, settledAge);
    const ended = isSpecial(frame, pieces, row) && !isSpecial(frame, pieces, row - 1);
    const provisional = frame.revising && frame.masksLeft > 0 && WRITTEN.has(kind);
    return spanOf(ended ? "end" : kind, cell, text, provisional);
  });
}

function isSpecial(frame: Frame, pieces: ReadonlyMap<number, Piece>, row: number): boolean {
  const cell = frame.cells[row];
  return cell !== undefined && cell.id !== frame.maskId && !cell.given && pieces.get(cell.id) === "";
}

function kindOf(cell: Cell, frame: Frame, text: string | null, settledAge: number): SpanKind {
  if (cell.id === frame.maskId) {
    return cell.taken > 0 && frame.position - cell.taken < FRESH_STEPS ? "taken" : "mask";
  }
  if (text === null) return "hidden";
  if (cell.given) return "given";
  const age = frame.position - cell.born;
  if (age === 0 && settledAge > 0) return "fresh";
  return age <= settledAge ? "cooling" : "settled";
}

function spanOf(kind: SpanKind, cell: Cell, text: string | null, provisional: boolean): DisplaySpan {
  const percent = cell.conf === null || kind === "given" ? -1 : Math.round(cell.conf * 100);
  const blank = text === null || kind === "mask" || kind === "taken";
  const shown = blank ? "" : visible(text);
  const word = shown.trim();
  const at = word === "" ? shown.length : shown.indexOf(word);
  return {
    kind,
    provisional,
    doubt: word === "" ? "none" : cell.wavering ? "doubt" : doubtOf(percent),
    lead: shown.slice(0, at),
    word,
    tail: shown.slice(at + word.length),
    percent,
  };
}

function doubtOf(percent: number): Doubt {
  if (percent < 0 || percent >= 60) return "none";
  if (percent >= 35) return "hair";
  return percent >= 15 ? "line" : "doubt";
}

/** Text of each cell; null for cells that draw nothing (specials, later bytes of a character). */
function cellTexts(frame: Frame, pieces: ReadonlyMap<number, Piece>): (string | null)[] {
  const texts: (string | null)[] = [];
  for (let row = 0; row < frame.cells.length; ) {
    const piece = frame.cells[row]!.id === frame.maskId ? "" : (pieces.get(frame.cells[row]!.id) ?? "");
    if (typeof piece === "string") {
      texts.push(piece === "" ? null : piece);
      row += 1;
      continue;
    }
    const bytes: number[] = [];
    const first = row;
    for (; row < frame.cells.length; row += 1) {
      const next = pieces.get(frame.cells[row]!.id);
      if (frame.cells[row]!.id === frame.maskId || next === undefined || typeof next === "string") break;
      bytes.push(...next);
    }
    texts.push(new TextDecoder().decode(new Uint8Array(bytes)));
    for (let r = first + 1; r < row; r += 1) texts.push(null);
  }
  return texts;
}

/** The text a reader sees, masks as one `…` a run; what a screen reader is given and what `text` returns. */
export function plainText(spans: readonly DisplaySpan[], from: number = 0): string {
  let text = "";
  for (const span of spans.slice(from)) {
    if (span.kind === "mask" || span.kind === "taken") text += text.endsWith("…") ? "" : " …";
    else text += span.lead + span.word + span.tail;
  }
  return text.trim();
}
