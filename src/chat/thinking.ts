/** An answer and the thoughts before it; `thoughts` is absent when there were none. */
export interface SplitAnswer {
  readonly text: string;
  readonly thoughts?: string;
}

/**
 * Takes the thoughts off the beginning of an answer. An answer that ends while thinking is all thoughts; one whose opening
 * mark stood in the prompt begins with them.
 *
 * @param marks as the model writes them; Qwen's when left out
 */
export function splitThinking(
  answer: string,
  marks: { readonly open: string; readonly close: string } = { open: "<think>", close: "</think>" },
): SplitAnswer {
  const begin = answer.trimStart();
  const isOpen = begin.startsWith(marks.open);
  const end = answer.indexOf(marks.close);
  if (end < 0 && !isOpen) return { text: answer };
  const inside = isOpen ? begin.slice(marks.open.length) : answer;
  const close = inside.indexOf(marks.close);
  if (close < 0) return { text: "", thoughts: inside.trim() };
  const thoughts = inside.slice(0, close).trim();
  const text = inside.slice(close + marks.close.length).replace(/^\n+/, "");
  return thoughts === "" ? { text } : { text, thoughts };
}
