/**
 * Regular expressions of a tokenizer come from strangers and run in an engine that backtracks. This finds, without running
 * them, those that can take exponential time: a repetition whose inside can match the same text in several ways. It is
 * stricter than need be (a repeated alternation may be harmless), but takes what published tokenizers are written with.
 */

const MAX_LENGTH = 10_000;
const MAX_DEPTH = 50;
/** A repetition up to here is so short that what it holds may repeat as well. */
const SHORT = 4;
/** Each loop in a row can multiply the time by the length of the text. */
const MAX_LOOPS = 4;
const MAX_COUNT = 1000;

interface Group {
  /** Repeats, or holds something that does. */
  loops: number;
  alternatives: number;
  /** Most loops in one alternative. */
  most: number;
}

/** Why `source` is not run, as the end of a sentence; undefined when it may be. */
export function regexProblem(source: string): string | undefined {
  if (source.length > MAX_LENGTH) return `has ${source.length} characters`;
  const stack: Group[] = [{ loops: 0, alternatives: 1, most: 0 }];
  /** The group that has just been closed, while a quantifier may follow it. */
  let closed: Group | undefined;
  let counts = 1;
  for (let at = 0; at < source.length; ) {
    const top = stack.at(-1)!;
    const char = source[at]!;
    const loop = quantifierAt(source, at);
    if (loop !== undefined) {
      at += loop.length;
      counts *= Math.max(1, loop.least);
      if (counts > MAX_COUNT) return "repeats too often";
      if (loop.most > SHORT) {
        if (closed !== undefined && closed.most > 0) return "repeats a repetition";
        if (closed !== undefined && closed.alternatives > 1) return "repeats an alternation";
        top.loops++;
        top.most = Math.max(top.most, top.loops);
        if (top.loops > MAX_LOOPS) return "has too many repetitions in a row";
      }
      closed = undefined;
      continue;
    }
    closed = undefined;
    if (char === "(") {
      if (stack.length > MAX_DEPTH) return "is nested too deeply";
      stack.push({ loops: 0, alternatives: 1, most: 0 });
      at += groupHead(source, at);
    } else if (char === ")") {
      at++;
      if (stack.length === 1) continue;
      closed = stack.pop()!;
      const outer = stack.at(-1)!;
      outer.loops += closed.most;
      outer.most = Math.max(outer.most, outer.loops);
      if (outer.loops > MAX_LOOPS) return "has too many repetitions in a row";
    } else if (char === "|") {
      top.alternatives++;
      top.loops = 0;
      at++;
    } else if (char === "[") at = classEnd(source, at);
    else if (char === "\\") {
      if (/[1-9k]/.test(source[at + 1] ?? "")) return "refers back to what it matched";
      const property = /^\\[pPuxN]\{[^}]*\}/.exec(source.slice(at, at + 80));
      at += property === null ? 2 : property[0].length;
    } else at++;
  }
  return undefined;
}

interface Quantifier {
  /** Characters it is written with. */
  readonly length: number;
  readonly least: number;
  readonly most: number;
}

function quantifierAt(source: string, at: number): Quantifier | undefined {
  const found = /^(?:[*+?]|\{(\d+)(,(\d*))?\})[?+]?/.exec(source.slice(at, at + 40));
  if (found === null) return undefined;
  const [text, least, comma, most] = found;
  if (least === undefined) {
    return { length: text.length, least: 0, most: text.startsWith("?") ? 1 : Number.POSITIVE_INFINITY };
  }
  const upper = comma === undefined ? Number(least) : most === "" ? Number.POSITIVE_INFINITY : Number(most);
  return {
    length: text.length,
    least: upper === Number.POSITIVE_INFINITY ? Number(least) : upper,
    most: upper,
  };
}

/** Length of `(`, `(?:`, `(?i:`, `(?=`, `(?<!`, `(?<name>` and their like. */
function groupHead(source: string, at: number): number {
  return (
    /^\((\?(?:<?[=!]|<[A-Za-z_]\w*>|[>:]|[a-z-]*[:)]))?/i.exec(source.slice(at, at + 80))?.[0].length ?? 1
  );
}

/** Behind the `]` of a class that opens at `at`. */
function classEnd(source: string, at: number): number {
  let depth = 0;
  for (let i = at; i < source.length; i++) {
    const char = source[i];
    if (char === "\\") i++;
    else if (char === "[") depth++;
    else if (char === "]" && --depth === 0) return i + 1;
  }
  return source.length;
}

/** The first pattern in the parts of a tokenizer file that is not run, or what else makes the file unfit. */
export function tokenizerProblem(file: Readonly<Record<string, unknown>>): string | undefined {
  const queue: { readonly value: unknown; readonly depth: number }[] = [
    "normalizer",
    "pre_tokenizer",
    "post_processor",
    "decoder",
  ].map((key) => ({ value: file[key], depth: 0 }));
  for (let seen = 0; queue.length > 0; seen++) {
    const { value, depth } = queue.pop()!;
    if (typeof value !== "object" || value === null) continue;
    if (depth > MAX_DEPTH || seen > 100_000) return "it is nested too deeply";
    for (const [key, inner] of Object.entries(value)) {
      if (key !== "Regex" || typeof inner !== "string") queue.push({ value: inner, depth: depth + 1 });
      else {
        const problem = regexProblem(inner);
        if (problem !== undefined) return `the pattern ${JSON.stringify(inner.slice(0, 60))} ${problem}`;
      }
    }
  }
  return undefined;
}
