import { choice, literal, optional, type Pattern, repeat, sequence } from "./pattern.ts";

/** Most digits before the point: such integers are exact in a double. */
const MAX_DIGITS = 15;
/** Largest integer in a pattern. */
export const MAX_INTEGER = 10 ** MAX_DIGITS - 1;

const DIGIT: Pattern = { type: "chars", set: [[0x30, 0x39]] };

/** JSON integers from `min` to `max`, both whole, within {@link MAX_INTEGER} of 0; written without sign of zero. */
export function integerPattern(min: number, max: number): Pattern {
  const options: Pattern[] = [];
  if (max >= 0) options.push(naturals(Math.max(min, 0), max));
  if (min < 0) options.push(sequence(literal("-"), naturals(Math.max(-max, 1), -min)));
  return choice(...options);
}

/**
 * JSON numbers from `min` to `max`, both whole or absent. Without bounds also with an exponent of up to two digits;
 * at most 15 digits after the point.
 */
export function numberPattern(min: number | null, max: number | null): Pattern {
  if (min === null && max === null) {
    const exponent = sequence(chars("eE"), optional(chars("+-")), repeat(DIGIT, 1, 2));
    return sequence(optional(literal("-")), decimals(0, MAX_INTEGER, true), optional(exponent));
  }
  const low = min ?? -MAX_INTEGER;
  const high = max ?? MAX_INTEGER;
  const options: Pattern[] = [];
  if (high >= 0) options.push(decimals(Math.max(low, 0), high, max === null));
  if (low < 0) options.push(sequence(literal("-"), decimals(Math.max(-high, 0), -low, min === null)));
  return choice(...options);
}

/** Non-negative decimals from `low` to `high`; `open` lets `high` itself have a fraction. */
function decimals(low: number, high: number, open: boolean): Pattern {
  const point = literal(".");
  const fraction = optional(sequence(point, repeat(DIGIT, 1, MAX_DIGITS)));
  if (open) return sequence(naturals(low, high), fraction);
  const zeros = optional(sequence(point, repeat(literal("0"), 1, MAX_DIGITS)));
  return choice(sequence(naturals(low, high - 1), fraction), sequence(literal(String(high)), zeros));
}

/** Decimal numerals from `low` to `high`, without leading zeros; nothing when they are out of order. */
function naturals(low: number, high: number): Pattern {
  const options: Pattern[] = [];
  for (let length = 1, from = 0; from <= high; length++) {
    const to = 10 ** length - 1;
    if (to >= low)
      options.push(sameLength(pad(Math.max(low, from), length), pad(Math.min(high, to), length)));
    from = to + 1;
  }
  return low > high ? choice() : choice(...options);
}

/** Digit strings from `low` to `high`, all of one length. */
function sameLength(low: string, high: string): Pattern {
  if (low === "") return sequence();
  const rest = low.length - 1;
  const [a, b] = [low.charCodeAt(0), high.charCodeAt(0)];
  if (a === b) return sequence(literal(low[0]!), sameLength(low.slice(1), high.slice(1)));
  const options: Pattern[] = [];
  const lowIsFull = /^0*$/.test(low.slice(1));
  const highIsFull = /^9*$/.test(high.slice(1));
  if (!lowIsFull) options.push(sequence(literal(low[0]!), sameLength(low.slice(1), "9".repeat(rest))));
  const from = lowIsFull ? a : a + 1;
  const to = highIsFull ? b : b - 1;
  if (from <= to) {
    options.push(sequence({ type: "chars", set: [[from, to]] }, repeat(DIGIT, rest, rest)));
  }
  if (!highIsFull) options.push(sequence(literal(high[0]!), sameLength("0".repeat(rest), high.slice(1))));
  return choice(...options);
}

function pad(value: number, length: number): string {
  return String(value).padStart(length, "0");
}

function chars(each: string): Pattern {
  return choice(...Array.from(each, literal));
}
