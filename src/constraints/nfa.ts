import { assertNever } from "../core/errors.ts";
import { type CharSet, subtract } from "./char-set.ts";
import { tooLarge } from "./errors.ts";
import type { Pattern } from "./pattern.ts";
import { type ByteRange, utf8Ranges } from "./utf8.ts";

const MAX_STATES = 100_000;
/** Most parts visited: repetitions of nothing take time without taking states. */
const MAX_PARTS = 2_000_000;

/** A nondeterministic automaton over the bytes of UTF-8. */
export interface Nfa {
  readonly start: number;
  readonly accept: number;
  /** States reached without reading, by state. */
  readonly free: readonly (readonly number[])[];
  /** Edges of each state as flat triples: lowest byte, highest byte, target. */
  readonly edges: readonly (readonly number[])[];
}

/** Characters that JSON does not allow inside a string literal as they are. */
const JSON_SPECIAL: CharSet = [
  [0x00, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
];

/**
 * Thompson's construction.
 *
 * @throws UnmaskError `invalid-options` above {@link MAX_STATES} states or {@link MAX_PARTS} parts, before the memory
 * for more is taken
 */
export function compileNfa(pattern: Pattern): Nfa {
  const free: number[][] = [];
  const edges: number[][] = [];
  const plain = new Map<CharSet, readonly ByteRange[][]>();
  const inString = new Map<CharSet, readonly ByteRange[][]>();
  let parts = 0;

  function addState(): number {
    if (free.length >= MAX_STATES) throw tooLarge(`${MAX_STATES} states before it is simplified`);
    free.push([]);
    return edges.push([]) - 1;
  }

  /** Adds what `part` reads from `from` on; returns the state behind it. Loops get a state of their own. */
  function add(part: Pattern, from: number, quoted: boolean): number {
    if (++parts > MAX_PARTS) throw tooLarge(`${MAX_PARTS / 1e6} million parts`);
    switch (part.type) {
      case "chars":
        return addChars(part.set, from, quoted);
      case "sequence":
        return part.parts.reduce((state, next) => add(next, state, quoted), from);
      case "choice": {
        const end = addState();
        for (const option of part.options) free[add(option, from, quoted)]!.push(end);
        return end;
      }
      case "repeat":
        return addRepeat(part, from, quoted);
      case "json-string":
        return add(part.body, from, true);
      default:
        return assertNever(part);
    }
  }

  function addRepeat(part: Extract<Pattern, { type: "repeat" }>, from: number, quoted: boolean): number {
    let state = from;
    for (let i = 0; i < part.min; i++) state = add(part.body, state, quoted);
    const end = addState();
    if (part.max === null) {
      free[state]!.push(end);
      free[add(part.body, end, quoted)]!.push(end);
      return end;
    }
    for (let i = part.min; i < part.max; i++) {
      free[state]!.push(end);
      state = add(part.body, state, quoted);
    }
    free[state]!.push(end);
    return end;
  }

  function addChars(set: CharSet, from: number, quoted: boolean): number {
    const end = addState();
    const tails = new Map<string, number>();
    for (const bytes of byteSequences(set, quoted)) {
      const [low, high] = bytes[0]!;
      edges[from]!.push(low, high, tail(bytes.slice(1), end, tails));
    }
    return end;
  }

  /** The state from which `bytes` lead to `end`; equal tails of one character class are shared. */
  function tail(bytes: readonly ByteRange[], end: number, known: Map<string, number>): number {
    if (bytes.length === 0) return end;
    const key = bytes.join(";");
    const found = known.get(key);
    if (found !== undefined) return found;
    const state = addState();
    known.set(key, state);
    const [low, high] = bytes[0]!;
    edges[state]!.push(low, high, tail(bytes.slice(1), end, known));
    return state;
  }

  function byteSequences(set: CharSet, quoted: boolean): readonly ByteRange[][] {
    const known = quoted ? inString : plain;
    const found = known.get(set);
    if (found !== undefined) return found;
    const ranges = quoted
      ? [...utf8Ranges(subtract(set, JSON_SPECIAL)), ...escapeSequences(set)]
      : utf8Ranges(set);
    known.set(set, ranges);
    return ranges;
  }

  const start = addState();
  return { start, accept: add(pattern, start, false), free, edges };
}

/** The special characters of `set` as `JSON.stringify` writes them. */
function escapeSequences(set: CharSet): ByteRange[][] {
  return set.flatMap(([low, high]) =>
    JSON_SPECIAL.flatMap(([from, to]) => {
      const sequences: ByteRange[][] = [];
      for (let code = Math.max(low, from); code <= Math.min(high, to); code++) {
        const written = JSON.stringify(String.fromCharCode(code)).slice(1, -1);
        sequences.push(Array.from(written, (char) => [char.charCodeAt(0), char.charCodeAt(0)]));
      }
      return sequences;
    }),
  );
}
