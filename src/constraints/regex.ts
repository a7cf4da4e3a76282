import { type CharSet, complement, DIGITS, LINE_ENDS, SPACES, union, WORD_CHARS } from "./char-set.ts";
import { constraintError } from "./errors.ts";
import { ANY_TEXT, choice, type Pattern, repeat, sequence } from "./pattern.ts";

const MAX_LENGTH = 10_000;
const MAX_DEPTH = 100;
const MAX_REPEAT = 1000;

const CONTROL_ESCAPES: Readonly<Record<string, number>> = {
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  f: 0x0c,
  v: 0x0b,
  0: 0x00,
};

/** One alternative of the whole expression, and whether `^` and `$` tie it to the ends of the text. */
interface Branch {
  readonly pattern: Pattern;
  readonly tiedToStart: boolean;
  readonly tiedToEnd: boolean;
}

/**
 * A regular expression that the whole text must match.
 *
 * A subset of ECMAScript's syntax with the meaning of its `u` flag: literals, `.`, classes with ranges and negation,
 * `\d \D \w \W \s \S`, `\n \r \t \f \v \0 \xHH \uHHHH \u{H}` and escaped punctuation, groups `(...)` and `(?:...)`,
 * alternation, and `* + ? {m} {m,} {m,n}` (counts up to 1000; a lazy mark changes nothing). `^` and `$` may stand at
 * the ends of a top-level alternative. Not regular or not needed, hence refused: backreferences, lookaround, `\b`,
 * named groups and `\p`.
 *
 * @param where path of the expression in the recipe, for errors
 * @throws UnmaskError `invalid-options` with the position (in code points) of what is wrong
 */
export function parseRegex(source: string, where = "constraint.regex"): Pattern {
  return choice(...parseBranches(source, where).map(({ pattern }) => pattern));
}

/** A regular expression that some part of the text must match, as JSON Schema's `pattern` is read. */
export function parseSearchRegex(source: string, where: string): Pattern {
  const branches = parseBranches(source, where).map(({ pattern, tiedToStart, tiedToEnd }) =>
    sequence(...(tiedToStart ? [] : [ANY_TEXT]), pattern, ...(tiedToEnd ? [] : [ANY_TEXT])),
  );
  return choice(...branches);
}

function parseBranches(source: string, where: string): Branch[] {
  if (source.length > MAX_LENGTH) {
    throw constraintError(where, `A regular expression has at most ${MAX_LENGTH} characters.`);
  }
  const chars = Array.from(source);
  let at = 0;

  const fail = (message: string, position = at): never => {
    throw constraintError(where, `Regular expression, position ${position}: ${message}.`, { position });
  };
  const take = (char: string): boolean => {
    if (chars[at] !== char) return false;
    at++;
    return true;
  };

  function alternatives(depth: number): Pattern {
    const options = [terms(depth)];
    while (take("|")) options.push(terms(depth));
    return choice(...options);
  }

  function terms(depth: number): Pattern {
    const parts: Pattern[] = [];
    while (at < chars.length && !"|)$".includes(chars[at]!)) parts.push(quantified(depth));
    if (chars[at] === "$" && depth > 0) fail('"$" is only understood at the end of a top-level alternative');
    return sequence(...parts);
  }

  function quantified(depth: number): Pattern {
    const body = atom(depth);
    const bounds = quantifier();
    if (bounds === null) return body;
    take("?");
    if ("*+?{".includes(chars[at] ?? " ")) fail("a quantifier cannot be repeated");
    return repeat(body, ...bounds);
  }

  function quantifier(): [min: number, max: number | null] | null {
    if (take("*")) return [0, null];
    if (take("+")) return [1, null];
    if (take("?")) return [0, 1];
    const start = at;
    if (!take("{")) return null;
    const min =
      integer() ?? fail("a count is written {2}, {2,} or {2,5}; escape a plain brace as \\{", start);
    const max = take(",") ? integer() : min;
    if (!take("}")) fail("a count is written {2}, {2,} or {2,5}; escape a plain brace as \\{", start);
    if (max !== null && max < min) fail("the counts are out of order", start);
    if (Math.max(min, max ?? 0) > MAX_REPEAT) fail(`a count is at most ${MAX_REPEAT}`, start);
    return [min, max];
  }

  function integer(): number | null {
    let digits = "";
    while (/^[0-9]$/.test(chars[at] ?? "")) digits += chars[at++];
    return digits === "" ? null : Number(digits);
  }

  function atom(depth: number): Pattern {
    const start = at;
    const char = chars[at++]!;
    switch (char) {
      case ".":
        return { type: "chars", set: complement(LINE_ENDS) };
      case "[":
        return { type: "chars", set: classSet(start) };
      case "\\":
        return { type: "chars", set: asSet(escaped(start)) };
      case "(": {
        if (depth >= MAX_DEPTH) fail(`groups are nested more than ${MAX_DEPTH} deep`, start);
        if (take("?") && !take(":")) fail("only groups (...) and (?:...) are understood", start);
        const body = alternatives(depth + 1);
        if (!take(")")) fail("this group is not closed", start);
        return body;
      }
      case "*":
      case "+":
      case "?":
        return fail("there is nothing to repeat", start);
      case "{":
      case "}":
      case "]":
        return fail(`escape a plain bracket as \\${char}`, start);
      case "^":
        return fail('"^" is only understood at the start of a top-level alternative', start);
      default:
        return { type: "chars", set: asSet(codeOf(char, start)) };
    }
  }

  function classSet(start: number): CharSet {
    const negated = take("^");
    const sets: CharSet[] = [];
    while (!take("]")) {
      if (at >= chars.length) fail("this class is not closed", start);
      const from = at;
      const low = member();
      if (chars[at] === "-" && at + 1 < chars.length && chars[at + 1] !== "]") {
        at++;
        const high = member();
        if (typeof low !== "number" || typeof high !== "number") {
          fail("a range needs single characters at both ends", from);
        } else if (high < low) {
          fail("the range is out of order", from);
        } else {
          sets.push([[low, high]]);
        }
      } else {
        sets.push(asSet(low));
      }
    }
    const set = union(...sets);
    // Twice complemented: without surrogates inside a range.
    return negated ? complement(set) : complement(complement(set));
  }

  function member(): number | CharSet {
    const start = at;
    const char = chars[at++] ?? fail("this class is not closed");
    return char === "\\" ? escaped(start) : codeOf(char, start);
  }

  function escaped(start: number): number | CharSet {
    const char = chars[at++] ?? fail("nothing follows the backslash", start);
    const control = CONTROL_ESCAPES[char];
    if (control !== undefined && !(char === "0" && /^[0-9]$/.test(chars[at] ?? ""))) return control;
    if (char === "d") return DIGITS;
    if (char === "D") return complement(DIGITS);
    if (char === "w") return WORD_CHARS;
    if (char === "W") return complement(WORD_CHARS);
    if (char === "s") return SPACES;
    if (char === "S") return complement(SPACES);
    if (char === "x") return hex(2, start);
    if (char === "u") return unicodeEscape(start);
    if (/^[!-/:-@[-`{-~]$/.test(char)) return char.codePointAt(0)!;
    return fail(`the escape \\${char} is not supported`, start);
  }

  function unicodeEscape(start: number): number {
    if (take("{")) {
      let digits = "";
      while (digits.length < 8 && /^[0-9a-fA-F]$/.test(chars[at] ?? "")) digits += chars[at++];
      const code = Number.parseInt(digits, 16);
      if (!take("}") || !(code <= 0x10ffff)) fail("a code point is written \\u{1F600}", start);
      return code >= 0xd800 && code <= 0xdfff ? fail("a surrogate is no character", start) : code;
    }
    const high = hex(4, start);
    if (high < 0xd800 || high > 0xdfff) return high;
    if (high < 0xdc00 && take("\\") && take("u")) {
      const low = hex(4, start);
      if (low >= 0xdc00 && low <= 0xdfff) return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    }
    return fail("a surrogate is no character", start);
  }

  function hex(count: number, start: number): number {
    const digits = chars.slice(at, at + count).join("");
    at += count;
    if (!new RegExp(`^[0-9a-fA-F]{${count}}$`).test(digits))
      fail(`${count} hexadecimal digits belong here`, start);
    return Number.parseInt(digits, 16);
  }

  function codeOf(char: string, position: number): number {
    const code = char.codePointAt(0)!;
    return code >= 0xd800 && code <= 0xdfff ? fail("a surrogate is no character", position) : code;
  }

  const branches: Branch[] = [];
  do {
    const tiedToStart = take("^");
    const pattern = terms(0);
    const tiedToEnd = take("$");
    if (at < chars.length && chars[at] !== "|") {
      fail(chars[at] === ")" ? "this group was never opened" : '"$" is only understood at the end');
    }
    branches.push({ pattern, tiedToStart, tiedToEnd });
  } while (take("|"));
  return branches;
}

function asSet(member: number | CharSet): CharSet {
  return typeof member === "number" ? [[member, member]] : member;
}
