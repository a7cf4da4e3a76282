/** A gap in a text: `[[8]]` holds 8 tokens, `[[?]]` as many as it takes. Global: for `matchAll` and `replace`. */
export const GAP: RegExp = /\[\[(\d+|\?)\]\]/g;

/** True when a text asks to be filled rather than continued. */
export function hasGaps(text: string): boolean {
  return text.search(GAP) >= 0;
}
