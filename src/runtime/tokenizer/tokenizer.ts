import { Tokenizer as HubTokenizer } from "@huggingface/tokenizers";
import * as v from "valibot";
import type { AddedToken } from "../../chat/jinja.ts";
import { UnmaskError } from "../../core/errors.ts";
import type { Piece, Tokenizer } from "../../core/types.ts";
import { tokenizerProblem } from "../../model/regex-check.ts";
import { byteTable, tokenBytes } from "./byte-level.ts";

const MAX_BYTES = 64_000_000;
const MAX_CONFIG_BYTES = 8_000_000;

const addedToken = v.looseObject({
  id: v.pipe(v.number(), v.integer(), v.minValue(0)),
  content: v.string(),
  special: v.optional(v.boolean(), false),
});
/** Not `v.record`, which drops the tokens `constructor`, `prototype` and `__proto__`. */
function isVocab(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((id) => Number.isSafeInteger(id) && id >= 0);
}

const tokenizerFile = v.looseObject({
  added_tokens: v.optional(v.array(addedToken), []),
  normalizer: v.optional(v.nullable(v.looseObject({})), null),
  pre_tokenizer: v.optional(v.nullable(v.looseObject({})), null),
  post_processor: v.optional(v.nullable(v.looseObject({})), null),
  decoder: v.optional(v.nullable(v.looseObject({})), null),
  model: v.looseObject({
    type: v.picklist(["BPE", "Unigram", "WordPiece", "WordLevel"]),
    vocab: v.union([
      v.custom<Record<string, number>>(isVocab, "no map from tokens to ids"),
      v.array(v.unknown()),
    ]),
  }),
});
type TokenizerFile = v.InferOutput<typeof tokenizerFile>;

/** A tokenizer that knows its added tokens by what they show. */
export interface TextTokenizer extends Tokenizer {
  readonly added: readonly AddedToken[];
}

/**
 * A tokenizer from `tokenizer.json` and `tokenizer_config.json`. Text never yields special tokens: the encoder does not
 * know them, so `<|eos|>` typed by a user is the characters it shows.
 *
 * @param vocab rows of the model's table; ids beyond it are refused
 * @throws UnmaskError `tokenizer-invalid`
 */
export function createTokenizer(
  file: Uint8Array,
  config: Uint8Array | undefined,
  vocab: number,
): TextTokenizer {
  const json = parse(file, MAX_BYTES, "tokenizer.json");
  const result = v.safeParse(tokenizerFile, json);
  if (!result.success) {
    const issue = result.issues[0];
    throw invalid(`tokenizer.json at ${v.getDotPath(issue) ?? "its top"}: ${issue.message}`);
  }
  const problem = tokenizerProblem(result.output);
  if (problem !== undefined) throw invalid(problem);
  const settings = config === undefined ? {} : parse(config, MAX_CONFIG_BYTES, "tokenizer_config.json");
  return wrap(result.output, settings, vocab);
}

function wrap(file: TokenizerFile, settings: object, vocab: number): TextTokenizer {
  const special = new Set(file.added_tokens.filter((token) => token.special).map((token) => token.id));
  const full = build(file, settings);
  const encoder = build(withoutSpecial(file), settings);
  const tokens: (string | undefined)[] = [];
  for (const [token, id] of full.get_vocab()) {
    if (!Number.isInteger(id) || id < 0 || id >= vocab)
      throw invalid(`token id ${id} is outside the model's ${vocab}`);
    tokens[id] = token;
  }
  const added = new Set(file.added_tokens.map((token) => token.id));
  const bytes = isByteLevel(file.decoder) ? byteTable() : undefined;
  const bytesOf = (id: number): readonly number[] => {
    const token = tokens[id];
    if (token === undefined || special.has(id)) return [];
    return added.has(id) ? Array.from(new TextEncoder().encode(token)) : tokenBytes(token, bytes);
  };
  const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return {
    vocab,
    // One beyond the model's table can never be written.
    added: file.added_tokens
      .filter(({ id }) => id < vocab)
      .map(({ id, content, special }) => ({ id, content, special })),
    encode(text) {
      const { ids } = encoder.encode(text, { add_special_tokens: false });
      const known = ids.filter((id) => id !== undefined && !special.has(id));
      return Int32Array.from(known);
    },
    decode(ids) {
      if (bytes !== undefined) return lenient.decode(Uint8Array.from(Array.from(ids).flatMap(bytesOf)));
      return full.decode(
        Array.from(ids).filter((id) => tokens[id] !== undefined),
        { skip_special_tokens: true, clean_up_tokenization_spaces: false },
      );
    },
    piece(id): Piece {
      const part = bytesOf(id);
      try {
        return strict.decode(Uint8Array.from(part));
      } catch {
        return part;
      }
    },
  };
}

/** The same tokenizer for a text without special tokens in it. */
function withoutSpecial(file: TokenizerFile): TokenizerFile {
  const names = new Set(file.added_tokens.filter((token) => token.special).map((token) => token.content));
  const { vocab } = file.model;
  const kept = Array.isArray(vocab)
    ? vocab
    : Object.fromEntries(Object.entries(vocab).filter(([token]) => !names.has(token)));
  return {
    ...file,
    added_tokens: file.added_tokens.filter((token) => !token.special),
    post_processor: null,
    model: { ...file.model, vocab: kept },
  };
}

function build(file: TokenizerFile, settings: object): HubTokenizer {
  try {
    return new HubTokenizer(file, settings);
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** A ByteLevel decoder, alone or in a sequence. */
function isByteLevel(decoder: unknown): boolean {
  if (typeof decoder !== "object" || decoder === null) return false;
  const { type, decoders } = decoder as { type?: unknown; decoders?: unknown };
  return type === "ByteLevel" || (Array.isArray(decoders) && decoders.some(isByteLevel));
}

function parse(bytes: Uint8Array, limit: number, name: string): object {
  if (bytes.length > limit) throw invalid(`${name} is larger than ${limit / 1e6} MB`);
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof value === "object" && value !== null) return value;
  } catch (cause) {
    throw invalid(`${name} is not JSON`, cause);
  }
  throw invalid(`${name} is not a JSON object`);
}

function invalid(what: string, cause?: unknown): UnmaskError {
  return new UnmaskError("tokenizer-invalid", `The bundle's tokenizer cannot be used: ${what}.`, { cause });
}
