import { UnmaskError } from "../core/errors.ts";
import { MAX_VOCAB } from "../model/manifest.ts";
import { tokenizerProblem } from "../model/regex-check.ts";
import type { CheckpointFolder } from "./checkpoint/byte-source.ts";
import { readJson } from "./checkpoint/checkpoint.ts";
import { isObject, type JsonObject, own } from "./checkpoint/json.ts";
import type { ModelFacts } from "./transformer/transformer.ts";

/** The special ids of a bundle. */
export interface TokenIds {
  readonly mask: number;
  readonly eos: number[];
  readonly pad?: number;
  readonly bos?: number;
  readonly suppress?: number[];
}

/** Contents by which published models name their mask token. */
const MASK_CONTENTS = ["<|mask|>", "<|mdm_mask|>", "[MASK]", "<mask>", "<M>", "|<MASK>|"];

/**
 * Finds the special ids: what the caller gave, else config.json, else the added tokens of tokenizer.json, else what the
 * family implies. Ids the tokenizer does not know are padding rows of the table and are suppressed.
 *
 * @throws UnmaskError `checkpoint-unsupported` when nothing names the mask token, or there is no tokenizer;
 *   `tokenizer-invalid` for patterns that may take for ever
 */
export async function findTokens(
  folder: CheckpointFolder,
  config: JsonObject,
  { vocab, impliedMask, padEnds }: Pick<ModelFacts, "vocab" | "impliedMask" | "padEnds">,
  given: Partial<TokenIds>,
): Promise<TokenIds> {
  const names = await folder.names();
  if (!names.includes("tokenizer.json")) {
    throw new UnmaskError(
      "checkpoint-unsupported",
      `${folder.name} has no tokenizer.json; put the one it was trained with beside config.json (GPT-2's for MDLM and BD3-LM).`,
    );
  }
  const tokenizer = await readJson(folder, "tokenizer.json");
  const problem = tokenizerProblem(tokenizer);
  if (problem !== undefined) {
    throw new UnmaskError("tokenizer-invalid", `tokenizer.json cannot be used: ${problem}.`);
  }
  if (vocab > MAX_VOCAB) {
    const message = `The vocabulary has ${vocab} tokens; a bundle holds at most ${MAX_VOCAB}.`;
    throw new UnmaskError("checkpoint-unsupported", message);
  }
  const added = addedTokens(tokenizer);
  const known = MASK_CONTENTS.flatMap((content) => added.get(content) ?? []);
  const mask =
    given.mask ?? idOf(config, "mask_token_id", Number.POSITIVE_INFINITY) ?? known[0] ?? impliedMask;
  if (mask === undefined) {
    throw new UnmaskError(
      "checkpoint-unsupported",
      "No mask token is named in config.json or tokenizer.json; give its id (--mask).",
    );
  }
  if (mask >= vocab) {
    throw new UnmaskError("checkpoint-invalid", `The mask id ${mask} is outside the vocabulary of ${vocab}.`);
  }
  const settings = names.includes("tokenizer_config.json")
    ? await readJson(folder, "tokenizer_config.json")
    : {};
  const named = (key: string) => namedId(settings, key, added);
  const pad = given.pad ?? idOf(config, "pad_token_id", vocab) ?? named("pad_token")[0];
  const bos = given.bos ?? idOf(config, "bos_token_id", vocab);
  const stops = idsOf(config, "eos_token_id").filter((id) => id < vocab);
  const eos = stops.length > 0 ? stops : named("eos_token");
  const ends = padEnds === true && pad !== undefined && !eos.includes(pad) ? [...eos, pad] : eos;
  const size = tokenizerSize(tokenizer, added);
  const padding = Array.from({ length: Math.max(0, vocab - size) }, (_, i) => size + i);
  const never = new Set([...(given.suppress ?? []), ...padding]);
  never.delete(mask);
  const suppress = [...never].sort((a, b) => a - b);
  return {
    mask,
    eos: given.eos ?? ends,
    ...(pad !== undefined && { pad }),
    ...(bos !== undefined && { bos }),
    ...(suppress.length > 0 && { suppress }),
  };
}

/** A token that tokenizer_config.json names, for configurations that do not. */
function namedId(settings: JsonObject, key: string, added: ReadonlyMap<string, number>): number[] {
  const token = own(settings, key);
  const content = isObject(token) ? own(token, "content") : token;
  const id = typeof content === "string" ? added.get(content) : undefined;
  return id === undefined ? [] : [id];
}

/** Ids of the added tokens of `tokenizer.json` by their content. */
export function addedTokens(tokenizer: JsonObject): Map<string, number> {
  const list = own(tokenizer, "added_tokens");
  const found = new Map<string, number>();
  for (const token of Array.isArray(list) ? list : []) {
    if (!isObject(token)) continue;
    const { content, id } = token;
    if (typeof content === "string" && isId(id)) found.set(content, id);
  }
  return found;
}

/** One more than the largest id. */
function tokenizerSize(tokenizer: JsonObject, added: ReadonlyMap<string, number>): number {
  const model = own(tokenizer, "model");
  const vocab = isObject(model) ? own(model, "vocab") : undefined;
  let largest = -1;
  const ids = isObject(vocab) ? Object.values(vocab) : Array.isArray(vocab) ? vocab.keys() : [];
  for (const id of [...ids, ...added.values()]) if (typeof id === "number" && id > largest) largest = id;
  return largest + 1;
}

function idsOf(config: JsonObject, key: string): number[] {
  const value = own(config, key);
  return (Array.isArray(value) ? value : [value]).filter(isId);
}

/** The id under `key`; one that the table has no row for counts as none. */
function idOf(config: JsonObject, key: string, vocab: number): number | undefined {
  const value = own(config, key);
  return isId(value) && value < vocab ? value : undefined;
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
