/** A continuation that was written, and what it continues. */
export interface Written {
  readonly prompt: string;
  readonly text: string;
}

/**
 * The old continuation as a draft for a prompt that was edited (`init.draft` of a recipe; context-aware initialisation,
 * arXiv 2512.19004, with the last canvas as the prior, as StreamDiffusion starts a frame from the one before). A draft
 * that stands one token off is worthless, so it is moved with the edit:
 *
 * - typed on: what the user typed in place of the text is cut from its beginning, by letters where they typed just that,
 *   else by words;
 * - deleted at the end: what was deleted comes back in front of it;
 * - edited before the end: the text as it is.
 *
 * @returns null when nothing is left to draft from
 */
export function carryDraft({ prompt: before, text }: Written, prompt: string): string | null {
  const draft = moved(before, text, prompt);
  return draft.trim() === "" ? null : draft;
}

function moved(before: string, text: string, prompt: string): string {
  if (before.startsWith(prompt)) return before.slice(prompt.length) + text;
  if (!prompt.startsWith(before)) return text;
  const typed = prompt.slice(before.length);
  if (text.startsWith(typed)) return text.slice(typed.length);
  return withoutWords(text, wordsOf(typed));
}

function wordsOf(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}

function withoutWords(text: string, words: number): string {
  return text.replace(new RegExp(`^(?:\\s*\\S+){0,${words}}`), "");
}
