import { UnmaskError } from "../../core/errors.ts";
import { GAP } from "./gap-pattern.ts";

/** A text with gaps, cut at the gaps. */
export type TextPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "gap"; readonly cells: number }
  | { readonly kind: "free-gap" };

/**
 * Cuts a text at its gaps: `[[8]]` is a gap of 8 tokens, `[[?]]` one of free length. Empty text parts are left out.
 *
 * @param maxCells largest gap that can be asked for
 * @throws UnmaskError `no-gaps`; `usage` for `[[0]]`; `invalid-options` for a gap that is too large
 */
export function parseGaps(text: string, maxCells: number): readonly TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(GAP)) {
    if (match.index > end) parts.push({ kind: "text", text: text.slice(end, match.index) });
    const size = match[1]!;
    parts.push(size === "?" ? { kind: "free-gap" } : { kind: "gap", cells: gapCells(size, maxCells) });
    end = match.index + match[0].length;
  }
  if (parts.length === 0) {
    throw new UnmaskError(
      "no-gaps",
      "The text has no gap to fill. Write one as [[8]], for 8 tokens, or [[?]].",
    );
  }
  if (end < text.length) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}

function gapCells(size: string, maxCells: number): number {
  const cells = Number(size);
  if (cells === 0) throw new UnmaskError("usage", "A gap holds at least one token: [[0]] cannot be filled.");
  if (cells <= maxCells) return cells;
  throw new UnmaskError(
    "invalid-options",
    `A gap of ${size.slice(0, 20)} tokens does not fit: the model's canvas holds ${maxCells}.`,
    { detail: { option: "gap", maxCanvas: maxCells } },
  );
}

/**
 * The part of a text that is encoded before a place where the model goes on. Tokens of most vocabularies begin with the
 * space in front of a word, so a last space is left to the model.
 */
export function beforeGap(text: string): string {
  return hasOwnSpace(text) ? text.slice(0, -1) : text;
}

/** What the model wrote behind `text`, without the space that `text` already ends with. */
export function behindText(text: string, written: string): string {
  return hasOwnSpace(text) && written.startsWith(" ") ? written.slice(1) : written;
}

/** A draft as the model would have written it behind `text`: with the space that was left to it. */
export function draftBehind(text: string, draft: string): string {
  return hasOwnSpace(text) && !draft.startsWith(" ") ? ` ${draft}` : draft;
}

/**
 * For each gap whether the space at the end of the text before it is left to the model, so that {@link behindText} takes
 * it off again. A text without gaps is continued at its end.
 */
export function spacesBefore(parts: readonly TextPart[]): readonly boolean[] {
  const isBehind = (at: number): boolean => {
    const part = parts[at];
    return part?.kind === "text" && hasOwnSpace(part.text);
  };
  const gaps = parts.flatMap((part, at) => (part.kind === "text" ? [] : [isBehind(at - 1)]));
  return gaps.length > 0 ? gaps : [isBehind(parts.length - 1)];
}

function hasOwnSpace(text: string): boolean {
  return text.endsWith(" ") && text.trim() !== "";
}
