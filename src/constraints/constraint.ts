import type { Span, Tokenizer } from "../core/types.ts";
import { behindSpace } from "./behind-space.ts";
import { type ByteDfa, determinise } from "./dfa.ts";
import { constraintError } from "./errors.ts";
import type { Constraint } from "./input.ts";
import { intersect } from "./intersect.ts";
import { parseJsonSchema } from "./json-schema.ts";
import { fittingLengths } from "./mask-wildcard.ts";
import { compileNfa } from "./nfa.ts";
import { ANY_TEXT, type Pattern } from "./pattern.ts";
import { parseRegex } from "./regex.ts";
import { createTokenAutomaton, type Vocabulary } from "./token-automaton.ts";
import { type ConstraintTracker, trackConstraint } from "./tracker.ts";
import { utf8Bytes } from "./utf8.ts";
import { withoutWords, withWord } from "./words.ts";

const MAX_SCHEMA_CHARS = 200_000;

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
  /** Of how many cells, up to `most`, a text that fills all of them can be; ascending. */
  lengths(most: number): readonly number[];
  /** Follows the constraint on the rows of `span`; see {@link trackConstraint}. */
  track(
    canvas: ArrayLike<number>,
    span: Span,
    maskId: number,
    options?: { readonly mayContinue?: boolean },
  ): ConstraintTracker;
}

/**
 * Compiles a constraint for a tokenizer. A text is what the tokens spell in UTF-8, up to the first end token; words are
 * found in it as they are written, capitals and all. A constraint of literals or words alone allows any text.
 *
 * @param encode text to ids, for the literals
 * @param isBehindSpace the text before ends with a space that was left to the model: what it writes is read without it
 * @throws UnmaskError `invalid-options` when it is malformed, too large, or no text satisfies it
 */
export function compileConstraint(
  constraint: Constraint,
  vocabulary: Vocabulary,
  encode: (text: string) => ArrayLike<number>,
  isBehindSpace = false,
): CompiledConstraint {
  const language = languageOf(constraint);
  if (language.states === 0) throw constraintError("constraint", "No text satisfies the constraint.");
  const dfa = isBehindSpace ? behindSpace(language) : language;
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
    lengths(most) {
      const ids = new Array<number>(most).fill(-1);
      for (const { at, id } of placed) if (at < most) ids[at] = id;
      const least = placed.reduce((end, { at }) => Math.max(end, at + 1), 0);
      return fittingLengths(automaton, ids).filter((length) => length >= least);
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
