import * as v from "valibot";

/** The recipe key `cache`: a policy by name, or an object with its numbers. */

const MAX_EVERY = 65_536;
const steps = (least: number, what: string) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(MAX_EVERY), v.description(what));
const share = v.pipe(
  v.number(),
  v.minValue(0),
  v.maxValue(1),
  v.description("share of the rows computed in a forward between refreshes"),
);
const refresh = v.optional(steps(0, "forwards of a block between refreshes; 0: only when it opens"), 0);
const rows = (what: string) => steps(0, what);

const choiceSchema = v.variant("policy", [
  v.strictObject({ policy: v.picklist(["none", "block", "free"]) }),
  v.strictObject({ policy: v.picklist(["prefix", "dual"]), refresh }),
  v.strictObject({
    policy: v.literal("vicinity"),
    refresh,
    warmup: v.optional(steps(0, "forwards at the start of a run that compute everything"), 4),
    before: v.optional(rows("rows computed before the block"), 16),
    after: v.optional(rows("rows computed after the block"), 16),
  }),
  v.strictObject({
    policy: v.literal("suffix-drop"),
    ahead: v.optional(rows("rows after the block that stay in the input"), 0),
  }),
  v.strictObject({
    policy: v.literal("partial"),
    promptEvery: v.optional(steps(1, "forwards between computations of the prompt"), 25),
    answerEvery: v.optional(steps(1, "forwards between computations of the whole answer"), 7),
    share: v.optional(share, 0.25),
  }),
  v.strictObject({
    policy: v.literal("region"),
    share: v.optional(share, 0.5),
    dense: v.optional(steps(1, "forwards at the start of a block that compute everything"), 1),
    every: v.optional(steps(1, "forwards between those that compute everything"), 8),
    starvation: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(100)), 0.1),
  }),
]);

export const CACHE_NAMES = [
  "none",
  "prefix",
  "dual",
  "free",
  "block",
  "vicinity",
  "suffix-drop",
  "partial",
  "region",
] as const;

export const cacheSchema = v.union([v.picklist(CACHE_NAMES), choiceSchema]);

export type CacheInput = v.InferOutput<typeof cacheSchema>;
/** A policy with every number filled in and in range. */
export type CacheChoice = v.InferOutput<typeof choiceSchema>;

export function resolveCache(input: CacheInput): CacheChoice {
  return typeof input === "string" ? v.parse(choiceSchema, { policy: input }) : input;
}

/** The shortest input that resolves to `choice`. */
export function writeCache(choice: CacheChoice): CacheInput {
  const { policy } = choice;
  return JSON.stringify(resolveCache(policy)) === JSON.stringify(choice) ? policy : choice;
}
