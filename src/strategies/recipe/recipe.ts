import * as v from "valibot";
import { CACHE_NAMES, cacheSchema } from "../../cache/choice.ts";
import { constraintSchema, parseConstraint } from "../../constraints/input.ts";
import { UnmaskError } from "../../core/errors.ts";
import { nearest } from "../../core/nearest.ts";
import { parseSearch, searchSchema } from "../../search/input.ts";
import { withOwnKeys } from "./option-names.ts";

const MAX_CELLS = 65_536;

const cells = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_CELLS));
/** Token ids of the model. */
const ids = v.pipe(
  v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xff_ffff))),
  v.maxLength(1024),
);
const between = (low: number, high: number) => v.pipe(v.number(), v.minValue(low), v.maxValue(high));

/** A recipe object; parse one with {@link parseRecipe}, which names what is wrong. */
export const recipeSchema = v.strictObject({
  /** Preset whose pieces are used; without one, `threshold` means fast-dllm and everything else llada. */
  preset: v.optional(v.pipe(v.string(), v.description("preset name"))),
  length: v.optional(v.pipe(cells, v.description("cells to fill after the prompt"))),
  block: v.optional(v.pipe(cells, v.description("cells of a block; blocks are filled left to right"))),
  steps: v.optional(
    v.pipe(
      v.union([cells, v.pipe(v.array(cells), v.minLength(1), v.maxLength(4096))]),
      v.description(
        "steps for the whole text, shared by the blocks; or, for quota-table, the tokens of each step",
      ),
    ),
  ),
  temperature: v.optional(v.pipe(between(0, 10), v.description("0 takes the best token"))),
  topK: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(0),
      v.maxValue(64),
      v.description("sample among the best; 0: all"),
    ),
  ),
  topP: v.optional(v.pipe(between(0.01, 1), v.description("sample among the most probable; 1: all"))),
  threshold: v.optional(v.pipe(between(0, 1), v.description("commit at or above this probability"))),
  factor: v.optional(v.pipe(between(0, 100), v.description("larger commits more tokens together"))),
  gamma: v.optional(v.pipe(between(0, 100), v.description("entropy budget in nats"))),
  algTemp: v.optional(
    v.pipe(between(0, 10), v.description("0 commits the best cells, above they are drawn by their scores")),
  ),
  eps: v.optional(v.pipe(between(0, 0.5), v.description("last time of Dream's schedule, which begins at 1"))),
  schedule: v.optional(
    v.pipe(
      v.picklist(["times", "even"]),
      v.description("how steps share the tokens: by Dream's times, or evenly (llama.cpp's blocks)"),
    ),
  ),
  renoise: v.optional(
    v.pipe(
      v.strictObject({
        tMin: v.optional(v.pipe(between(0, 10), v.description("temperature falls from temperature to this"))),
        steps: v.optional(v.pipe(cells, v.description("steps of a block, at most"))),
        stability: v.optional(
          v.pipe(
            v.number(),
            v.integer(),
            v.minValue(0),
            v.maxValue(1000),
            v.description("steps in a row that the best tokens stay the same before a block ends"),
          ),
        ),
        confidence: v.optional(
          v.pipe(between(0, 100), v.description("mean entropy below which a block ends, nats")),
        ),
      }),
      v.description("how gemma-eb cools down and ends"),
    ),
  ),
  guidance: v.optional(
    v.pipe(
      v.strictObject({
        cfg: between(-1, 20),
        keep: v.optional(
          v.pipe(
            ids,
            v.description(
              "tokens of the prompt that u sees, such as that of its beginning (cfg_keep_tokens)",
            ),
          ),
        ),
        adaptive: v.optional(
          v.pipe(
            v.strictObject({
              cosine: v.optional(between(-1, 1)),
              steps: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000))),
            }),
            v.description("leave u out for the rest of a block once its logits agree with c's"),
          ),
        ),
        residual: v.optional(
          v.pipe(
            v.strictObject({
              every: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_536))),
              decay: v.optional(between(0, 1)),
            }),
            v.description("evaluate u when a block opens (and every n forwards) and use it again in between"),
          ),
        ),
        weak: v.optional(
          v.pipe(
            v.strictObject({ share: v.optional(between(0, 1)) }),
            v.description("u does not see this share of the written tokens, the least confident ones"),
          ),
        ),
      }),
      v.description(
        "classifier-free guidance: u + (cfg + 1)(c - u); 0: off; adaptive or residual: fewer u; weak: another u",
      ),
    ),
  ),
  remask: v.optional(
    v.pipe(
      v.union([v.boolean(), v.strictObject({ entropyGuard: between(0, 100) })]),
      v.description(
        "true where tokens may be taken back, follows from the preset; {entropyGuard: nats} undoes commits that made the rest less certain",
      ),
    ),
  ),
  init: v.optional(
    v.pipe(
      v.strictObject({
        draft: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(100_000))),
        from: v.optional(
          v.pipe(
            v.picklist(["prompt", "companion"]),
            v.description("prompt: what followed its last words before; companion: how it would go on"),
          ),
        ),
        share: v.optional(v.pipe(between(0, 1), v.description("share of the draft's tokens, at random"))),
        blend: v.optional(
          v.pipe(
            v.number(),
            v.gtValue(0),
            v.maxValue(1),
            v.description(
              "leave the cells masked, and read each as this share of the draft's token and the rest of a mask; 0.5 is usual",
            ),
          ),
        ),
        keep: v.optional(v.pipe(between(0, 1), v.description("take back tokens of less probability"))),
        check: v.optional(
          v.pipe(
            v.picklist(["seen", "hidden"]),
            v.description("hidden: judge a token with its cell masked (default without cache and guidance)"),
          ),
        ),
      }),
      v.description(
        "a text to start from: draft, or from the prompt; it stands in the cells, or with blend the masks lean towards it",
      ),
    ),
  ),
  constraint: v.optional(v.pipe(constraintSchema, v.description("what the text has to satisfy"))),
  cache: v.optional(v.pipe(cacheSchema, v.description("keys and values reused between steps"))),
  lengthControl: v.optional(
    v.pipe(
      v.union([
        v.literal("fixed"),
        v.strictObject({
          daedal: v.strictObject({
            factor: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(1024))),
            low: v.optional(between(0, 1)),
            startEos: v.optional(between(0, 1)),
            growEos: v.optional(between(0, 1)),
            window: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1024))),
            maxLength: v.optional(v.pipe(cells, v.description("cells that the text may have at most"))),
          }),
        }),
      ]),
      v.description(
        "fixed, or {daedal}: masks are added until the text is expected to end within them, and doubtful ones become several; length is where that begins",
      ),
    ),
  ),
  suppress: v.optional(
    v.pipe(
      v.strictObject({
        never: v.optional(v.pipe(ids, v.description("never written (suppress_tokens)"))),
        last: v.optional(v.pipe(ids, v.description("ranked behind all else (begin_suppress_tokens)"))),
        repeats: v.optional(
          v.pipe(
            v.number(),
            v.integer(),
            v.minValue(2),
            v.maxValue(64),
            v.description("tokens of a run that is not written a second time (no_repeat_ngram_size)"),
          ),
        ),
      }),
      v.description(
        "token ids that are not to be written, or only when nothing else is left to choose, and runs that are not to be repeated",
      ),
    ),
  ),
  stop: v.optional(
    v.pipe(
      v.strictObject({
        eos: v.optional(v.pipe(v.boolean(), v.description("end a continuation at its end-of-text token"))),
        predict: v.optional(
          v.pipe(
            v.picklist(["never", "last"]),
            v.description(
              "ends of the text: never written (LLaDA's logits_eos_inf), or ranked behind all else (confidence_eos_eot_inf)",
            ),
          ),
        ),
        eotp: v.optional(
          v.pipe(
            v.union([
              v.literal(false),
              v.strictObject({
                minConf: v.optional(between(0, 1)),
                notBefore: v.optional(
                  v.pipe(
                    v.picklist(["start", "block-end"]),
                    v.description(
                      "block-end: behind the open block, or an end that was accepted (default); start: anywhere",
                    ),
                  ),
                ),
                requireAccepted: v.optional(
                  v.pipe(
                    v.boolean(),
                    v.description("only an end that the decoder committed because it is sure of it"),
                  ),
                ),
                minTokens: v.optional(
                  v.pipe(
                    v.number(),
                    v.integer(),
                    v.minValue(0),
                    v.maxValue(MAX_CELLS),
                    v.description("cells kept"),
                  ),
                ),
              }),
            ]),
            v.description("cut the canvas behind a predicted end of text, from this probability on"),
          ),
        ),
      }),
      v.description("when a continuation ends"),
    ),
  ),
  search: v.optional(
    v.pipe(searchSchema, v.description("several texts or ways to go on, of which a score chooses")),
  ),
});

/** A recipe as it is written: every key may be absent. */
export type RecipeInput = v.InferOutput<typeof recipeSchema>;

const KNOWN_KEYS = Object.keys(recipeSchema.entries);

/**
 * Checks a recipe object; the option names of llama.cpp, LLaDA and Dream are read as our keys.
 *
 * @throws UnmaskError `invalid-options` naming the key, the value and the bound, or the nearest known key
 */
export function parseRecipe(value: unknown): RecipeInput {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid("A recipe is a name or a JSON object.", "recipe");
  }
  const recipe = withOwnKeys(value);
  for (const key of Object.keys(recipe)) {
    if (!KNOWN_KEYS.includes(key)) {
      const near = nearest(key, KNOWN_KEYS);
      throw invalid(`A recipe has no key "${key.slice(0, 60)}". Did you mean "${near}"?`, key.slice(0, 60));
    }
  }
  const { constraint, search } = recipe as { constraint?: unknown; search?: unknown };
  // Their own errors say more.
  if (constraint !== undefined) parseConstraint(constraint);
  if (search !== undefined) parseSearch(search);
  const result = v.safeParse(recipeSchema, recipe);
  if (result.success) return result.output;
  throw explain(result.issues[0]);
}

function explain(issue: v.BaseIssue<unknown>): UnmaskError {
  const key = v.getDotPath(issue) ?? "recipe";
  if (issue.type === "union" && key === "cache") return explainCache(issue);
  if (issue.expected === "never") return invalid(`The recipe's ${key} is not supported yet.`, key);
  const got = preview(issue.input);
  if (issue.type === "picklist") return invalid(`The recipe's ${key} ${got} is not supported yet.`, key);
  const bound = boundOf(issue);
  return invalid(`The recipe's ${key} must be ${bound}, got ${got}.`, key);
}

/** A cache is a name or an object; the object's own issue says more than that neither fits. */
function explainCache({ input, issues }: v.BaseIssue<unknown>): UnmaskError {
  const named = typeof input === "string" ? input : (input as { policy?: unknown } | null)?.policy;
  if (typeof named === "string" && !CACHE_NAMES.some((name) => name === named)) {
    const shown = named.slice(0, 60);
    return invalid(`There is no cache "${shown}". Did you mean "${nearest(shown, CACHE_NAMES)}"?`, "cache");
  }
  const inner = issues?.find((issue) => (issue.path?.length ?? 0) > 0);
  const key = inner === undefined ? null : v.getDotPath(inner);
  if (inner === undefined || key === null || key === "policy") {
    return invalid(
      `The recipe's cache must be a name or an object with a policy, got ${preview(input)}.`,
      "cache",
    );
  }
  if (inner.expected === "never")
    return invalid(`The cache "${named}" has no key "${key.slice(0, 60)}".`, "cache");
  return invalid(
    `The recipe's cache.${key} must be ${boundOf(inner)}, got ${preview(inner.input)}.`,
    "cache",
  );
}

function boundOf(issue: v.BaseIssue<unknown>): string {
  const requirement = String(issue.requirement);
  if (issue.type === "min_value") return `at least ${requirement}`;
  if (issue.type === "gt_value") return `more than ${requirement}`;
  if (issue.type === "max_value") return `at most ${requirement}`;
  if (issue.type === "integer") return "a whole number";
  return (issue.expected ?? issue.type).replaceAll('"', "");
}

function preview(value: unknown): string {
  const text = typeof value === "number" ? String(value) : JSON.stringify(value);
  return (text ?? String(value)).slice(0, 60);
}

function invalid(message: string, option: string): UnmaskError {
  return new UnmaskError("invalid-options", message, { detail: { option } });
}
