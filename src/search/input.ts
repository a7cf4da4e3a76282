import * as v from "valibot";
import { constraintSchema } from "../constraints/input.ts";
import { UnmaskError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";

/** The recipe key `search`: several texts, or several ways to go on, of which a score chooses. */

const count = (low: number, high: number, what: string) =>
  v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high), v.description(what));
const between = (low: number, high: number, what: string) =>
  v.pipe(v.number(), v.minValue(low), v.maxValue(high), v.description(what));

const TRAJECTORY_TERMS = ["confidence", "stability", "likelihood"] as const;
const NAMED_TERMS = [...TRAJECTORY_TERMS, "custom"] as const;

const weight = v.optional(between(-100, 100, "what the term is multiplied by"), 1);
const term = v.union([
  v.strictObject({ name: v.picklist(NAMED_TERMS), weight }),
  v.strictObject({
    length: count(1, 65_536, "tokens a text should have: 1 there, 0 at none or twice as many"),
    weight,
  }),
  v.strictObject({
    keywords: v.pipe(
      v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(200))),
      v.minLength(1),
      v.maxLength(64),
      v.description("share of these words that occur, capitals or not"),
    ),
    weight,
  }),
  v.strictObject({ distinct: count(1, 5, "share of the n-grams of words that are different"), weight }),
  v.strictObject({
    regex: v.pipe(
      v.string(),
      v.minLength(1),
      v.maxLength(10_000),
      v.description("1 where this matches a part of the text"),
    ),
    weight,
  }),
  v.strictObject({
    constraint: v.pipe(constraintSchema, v.description("1 while the text satisfies this, or still can")),
    weight,
  }),
]);
const termByName = v.pipe(
  v.picklist(NAMED_TERMS),
  v.transform((name) => ({ name, weight: 1 })),
);
const score = v.optional(
  v.union([
    v.pipe(
      v.union([termByName, term]),
      v.transform((one) => [one]),
    ),
    v.pipe(v.array(v.union([termByName, term])), v.minLength(1), v.maxLength(8)),
  ]),
);

const alpha = v.optional(
  between(0, 1e6, "0 keeps the best; larger values draw in proportion to exp(score / alpha)"),
  0,
);
const lookahead = v.optional(
  v.pipe(
    v.boolean(),
    v.description("scores unfinished texts with the model's best tokens in their masks: a forward each"),
  ),
  false,
);

const named = <Name extends string>(name: Name, what: string) => v.pipe(v.literal(name), v.description(what));

export const searchSchema = v.variant("method", [
  v.strictObject({
    method: named("best-of", "several texts, the best is kept"),
    n: v.optional(count(1, 64, "texts that are written"), 4),
    score,
  }),
  v.strictObject({
    method: named("zero-order", "rewrites doubtful tokens of the best text, in rounds"),
    n: v.optional(count(1, 64, "neighbours of the best text that are written in a round"), 4),
    rounds: v.optional(count(1, 64, "rounds"), 2),
    share: v.optional(
      between(0.01, 1, "share of the doubtful half of the tokens that a neighbour writes anew"),
      0.5,
    ),
    score,
  }),
  v.strictObject({
    method: named("paths", "several texts side by side, each goes on in several ways, the best are kept"),
    n: v.optional(count(1, 64, "ways in which each path goes on"), 4),
    width: v.optional(count(1, 16, "paths that are kept"), 2),
    every: v.optional(count(1, 65_536, "steps between two choices"), 8),
    alpha,
    lookahead,
    score,
  }),
  v.strictObject({
    method: named("svdd", "draws every step several times and keeps the draw of most value"),
    n: v.optional(count(1, 64, "draws of each step"), 4),
    every: v.optional(count(1, 65_536, "steps between two choices"), 1),
    alpha,
    lookahead,
    score,
  }),
  v.strictObject({
    method: named("vote", "one text; the answer that is read from it at most steps is reported"),
    answer: v.pipe(
      v.string(),
      v.minLength(1),
      v.maxLength(10_000),
      v.description("regular expression of an answer; the last match in the text counts"),
    ),
    weights: v.optional(
      v.pipe(v.picklist(["fixed", "linear", "exponential"]), v.description("how much later steps weigh")),
      "exponential",
    ),
    rate: v.optional(between(0, 100, "exponential: exp(rate * progress)"), 5),
  }),
]);

type Parsed = v.InferOutput<typeof searchSchema>;
export type ScoreTerm = NonNullable<Exclude<Parsed, { method: "vote" }>["score"]>[number];
export type NamedTerm = Extract<ScoreTerm, { name: unknown }>;
/** Terms that are functions of the text alone. */
export type TextTerm = Exclude<ScoreTerm, NamedTerm>;

type WithScore<T> = T extends { score?: unknown }
  ? Omit<T, "score"> & { readonly score: readonly ScoreTerm[] }
  : T;
/** A search with everything filled in; as a recipe it parses to itself. */
export type Search = WithScore<Parsed>;
/** The searches that choose by a score. */
export type ScoredSearch = Extract<Search, { score: unknown }>;

export const SEARCH_METHODS = ["best-of", "zero-order", "paths", "svdd", "vote"] as const;

/**
 * Checks a recipe's search.
 *
 * @throws UnmaskError `invalid-options` naming the key
 */
export function parseSearch(value: unknown): Parsed {
  const result = v.safeParse(searchSchema, value);
  if (result.success) return result.output;
  throw explain(value, result.issues[0]);
}

/**
 * A parsed search with its score.
 *
 * @param isCustom the caller brings a function, which is the score unless the recipe says otherwise
 */
export function resolveSearch(search: Parsed, isCustom: boolean): Search {
  if (search.method === "vote") return search;
  return { ...search, score: search.score ?? [{ name: isCustom ? "custom" : "confidence", weight: 1 }] };
}

/** Whether a search asks a function of the caller. */
export function usesCustom(search: Search | undefined): boolean {
  return search !== undefined && search.method !== "vote" && search.score.some(isCustomTerm);
}

export function isCustomTerm(each: ScoreTerm): boolean {
  return "name" in each && each.name === "custom";
}

const SCORES =
  'confidence, stability, likelihood, custom, or an object with "length", "keywords", "distinct", "regex" or ' +
  '"constraint" and perhaps a "weight"; or a list of these';

function explain(value: unknown, issue: v.BaseIssue<unknown>): UnmaskError {
  const key = v.getDotPath(issue);
  const got = JSON.stringify(issue.input)?.slice(0, 60) ?? String(issue.input);
  const { method } = (typeof value === "object" && value !== null ? value : {}) as { method?: unknown };
  const isKnown = SEARCH_METHODS.some((name) => name === method);
  if (!isKnown) {
    const shown = String(method).slice(0, 60);
    const hint =
      typeof method === "string"
        ? `There is no search "${shown}". Did you mean "${nearest(shown, SEARCH_METHODS)}"?`
        : `The recipe's search needs a method: ${SEARCH_METHODS.join(", ")}.`;
    return invalid(hint, "search.method");
  }
  if (key?.startsWith("score"))
    return invalid(`The recipe's search.score is one of ${SCORES}.`, "search.score");
  if (issue.expected === "never") {
    return invalid(`The search "${String(method)}" has no key "${key?.slice(0, 60)}".`, `search.${key}`);
  }
  const where = key === null ? "search" : `search.${key}`;
  return invalid(`The recipe's ${where} must be ${boundOf(issue)}, got ${got}.`, where);
}

function boundOf(issue: v.BaseIssue<unknown>): string {
  if (issue.type === "min_value") return `at least ${String(issue.requirement)}`;
  if (issue.type === "max_value") return `at most ${String(issue.requirement)}`;
  if (issue.type === "integer") return "a whole number";
  return (issue.expected ?? issue.type).replaceAll('"', "");
}

function invalid(message: string, option: string): UnmaskError {
  return new UnmaskError("invalid-options", message, { detail: { option } });
}
