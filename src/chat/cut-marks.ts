/** `text` in parts, cut inside each of the marks in it, so that a tokenizer that knows the marks sees none. */
export function cutMarks(text: string, marks: readonly string[]): string[] {
  const parts: string[] = [];
  let start = 0;
  for (;;) {
    const found = marks
      .map((mark) => text.indexOf(mark, start))
      .filter((at) => at >= 0)
      .reduce((least, at) => Math.min(least, at), text.length);
    if (found === text.length) break;
    parts.push(text.slice(start, found + 1));
    start = found + 1;
  }
  return [...parts, text.slice(start)];
}
