import * as v from "valibot";
import { nearest } from "../core/nearest.ts";
import { constraintError } from "./errors.ts";

const MAX_CELLS = 65_536;

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
  path: v.optional(
    v.pipe(
      v.picklist(["greedy", "best"]),
      v.description(
        "greedy: the tokens of a step one by one, the surest first; best: together, the most probable way (DINGO)",
      ),
    ),
  ),
});

export type Constraint = v.InferOutput<typeof constraintSchema>;

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
  if (PARTS.every((key) => constraint[key] === undefined)) {
    throw constraintError("constraint", `A constraint needs one of ${PARTS.join(", ")}.`);
  }
  return constraint;
}

const PARTS = ["regex", "jsonSchema", "literals", "banned", "required"] as const;

function explain(issue: v.BaseIssue<unknown>): Error {
  const key = v.getDotPath(issue);
  if (issue.expected === "never" && key !== null && !key.includes(".")) {
    const near = nearest(key, [...PARTS, "path"]);
    return constraintError(
      "constraint",
      `A constraint has no key "${key.slice(0, 60)}". Did you mean "${near}"?`,
    );
  }
  const where = key === null ? "constraint" : `constraint.${key}`;
  return constraintError(where, `The recipe's ${where}: ${issue.message}.`);
}
