import * as v from "valibot";
import { nearest } from "../core/nearest.ts";
import type { Span, Tokenizer } from "../core/types.ts";
import { type ByteDfa, determinise } from "./dfa.ts";
import { constraintError } from "./errors.ts";
import { intersect } from "./intersect.ts";
import { parseJsonSchema } from "./json-schema.ts";
import { compileNfa } from "./nfa.ts";
import { ANY_TEXT, type Pattern } from "./pattern.ts";
import { parseRegex } from "./regex.ts";
import { createTokenAutomaton, type Vocabulary } from "./token-automaton.ts";
import { type ConstraintTracker, trackConstraint } from "./tracker.ts";
import { utf8Bytes } from "./utf8.ts";
import { withoutWords, withWord } from "./words.ts";

const MAX_CELLS = 65_536;
const MAX_SCHEMA_CHARS = 200_000;

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(10_000));
const word = v.pipe(v.string(), v.minLength(1), v.maxLength(200));

/** The recipe's `constraint` as it is written. At most one of `regex`, `jsonSchema` and `literals`. */
export const constraintSchema = v.strictObject({
  regex: v.optional(v.pipe(text, v.description("regular expression that the whole text matches"))),
  jsonSchema: v.optional(
    v.pipe(
      v.record(v.string(), v.unknown()),
      v.description("JSON Schema without recursion that the text obeys"),
    ),
  ),
  literals: v.optional(
    v.pipe(
      v.array(
        v.strictObject({
          at: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_CELLS)),
          text,
        }),
      ),
      v.minLength(1),
      v.maxLength(1000),
      v.description("texts whose tokens stand from the given cell on; cell 0 is the first that is generated"),
    ),
  ),
  banned: v.optional(
    v.pipe(
      v.array(word),
      v.maxLength(200),
      v.description("words that never occur, not as part of another either"),
    ),
  ),
  required: v.optional(
    v.pipe(v.array(word), v.maxLength(8), v.description("words that all occur, be it as part of another")),
  ),
});

export type Constraint = v.InferOutput<typeof constraintSchema>;

/** A constraint for one tokenizer; costs memory in proportion to the vocabulary, so compile it once a generation. */
export interface CompiledConstraint {
  /** Size of the automaton. */
  readonly states: number;
  /**
   * What the literals put into the rows of `span` before the first step.
   *
   * @throws UnmaskError `invalid-options` when a literal ends behind the span
   */
  placements(span: Span): readonly { readonly row: number; readonly id: number }[];
  /** Follows the constraint on the rows of `span`; see {@link trackConstraint}. */
  track(
    canvas: ArrayLike<number>,
    span: Span,
    maskId: number,
    options?: { readonly mayContinue?: boolean },
  ): ConstraintTracker;
}

/**
 * Checks a recipe's constraint.
 *
 * @throws UnmaskError `invalid-options` naming the key
 */
export function parseConstraint(value: unknown): Constraint {
  const result = v.safeParse(constraintSchema, value);
  if (!result.success) throw explain(result.issues[0]);
  const constraint = result.output;
  const kinds = [constraint.regex, constraint.jsonSchema, constraint.literals].filter(
    (kind) => kind !== undefined,
  );
  if (kinds.length > 1) {
    throw constraintError("constraint", 'A constraint has only one of "regex", "jsonSchema" and "literals".');
  }
  if (Object.keys(constraint).length === 0) {
    throw constraintError("constraint", `A constraint needs one of ${KEYS.join(", ")}.`);
  }
  return constraint;
}

/**
 * Compiles a constraint for a tokenizer. A text is what the tokens spell in UTF-8, up to the first end token; words are
 * found in it as they are written, capitals and all. A constraint of literals or words alone allows any text.
 *
 * @param encode text to ids, for the literals
 * @throws UnmaskError `invalid-options` when it is malformed, too large, or no text satisfies it
 */
export function compileConstraint(
  constraint: Constraint,
  vocabulary: Vocabulary,
  encode: (text: string) => ArrayLike<number>,
): CompiledConstraint {
  const dfa = languageOf(constraint);
  if (dfa.states === 0) throw constraintError("constraint", "No text satisfies the constraint.");
  const automaton = createTokenAutomaton(dfa, vocabulary);
  const placed = placeLiterals(constraint.literals ?? [], encode);
  return {
    states: automaton.states,
    placements(span) {
      return placed.map(({ at, id }) => {
        const row = span.start + at;
        if (row < span.end) return { row, id };
        throw constraintError(
          "constraint.literals",
          `A literal reaches cell ${at}, but only ${span.end - span.start} cells are generated.`,
        );
      });
    },
    track: (canvas, span, maskId, options) =>
      trackConstraint(automaton, canvas, span, maskId, options?.mayContinue ?? false),
  };
}

/**
 * The vocabulary of a tokenizer, one pass over its ids.
 *
 * @param endIds none for an infill, whose gaps are filled to the last cell
 */
export function vocabularyOf(
  tokenizer: Tokenizer,
  endIds: readonly number[],
  excluded: readonly number[],
): Vocabulary {
  const tokens = Array.from({ length: tokenizer.vocab }, (_, id) => {
    const piece = tokenizer.piece(id);
    return Uint8Array.from(typeof piece === "string" ? utf8Bytes(piece) : piece);
  });
  return { tokens, endIds, excluded };
}

/** The automaton of the texts that satisfy every part of the constraint. */
function languageOf(constraint: Constraint): ByteDfa {
  let dfa = determinise(compileNfa(patternOf(constraint)));
  const banned = constraint.banned ?? [];
  if (banned.length > 0) dfa = intersect(dfa, withoutWords(banned.map(utf8Bytes)));
  for (const each of constraint.required ?? []) dfa = intersect(dfa, withWord(utf8Bytes(each)));
  return dfa;
}

function patternOf(constraint: Constraint): Pattern {
  if (constraint.regex !== undefined) return parseRegex(constraint.regex);
  if (constraint.jsonSchema === undefined) return ANY_TEXT;
  if (sizeOf(constraint.jsonSchema) > MAX_SCHEMA_CHARS) {
    throw constraintError(
      "constraint.jsonSchema",
      `A JSON schema has at most ${MAX_SCHEMA_CHARS} characters.`,
    );
  }
  return parseJsonSchema(constraint.jsonSchema);
}

/** Length as JSON; a value that JSON cannot write is larger than any limit. */
function sizeOf(value: unknown): number {
  try {
    return JSON.stringify(value).length;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Cell and id of every literal token. */
function placeLiterals(
  literals: NonNullable<Constraint["literals"]>,
  encode: (text: string) => ArrayLike<number>,
): { at: number; id: number }[] {
  const placed = new Map<number, number>();
  for (const literal of literals) {
    for (const [i, id] of Array.from(encode(literal.text)).entries()) {
      const at = literal.at + i;
      if (placed.has(at)) {
        throw constraintError(
          "constraint.literals",
          `Two literals want cell ${at}: each token takes one cell.`,
        );
      }
      placed.set(at, id);
    }
  }
  return Array.from(placed, ([at, id]) => ({ at, id }));
}

const KEYS = ["regex", "jsonSchema", "literals", "banned", "required"];

function explain(issue: v.BaseIssue<unknown>): Error {
  const key = v.getDotPath(issue);
  if (issue.expected === "never" && key !== null && !key.includes(".")) {
    const near = nearest(key, KEYS);
    return constraintError(
      "constraint",
      `A constraint has no key "${key.slice(0, 60)}". Did you mean "${near}"?`,
    );
  }
  const where = key === null ? "constraint" : `constraint.${key}`;
  return constraintError(where, `The recipe's ${where}: ${issue.message}.`);
}
