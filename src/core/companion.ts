/** What a companion is asked. Ids are those of the diffusion model. */
export type CompanionAsk =
  /** The id it expects behind each of the ids: row i of the answer is its guess of `ids[i + 1]`; `[ids.length]`. */
  | { readonly kind: "expect"; readonly ids: Int32Array }
  /** How it would go on: at most `count` ids, ended before the end of the text. */
  | { readonly kind: "continue"; readonly ids: Int32Array; readonly count: number };

/**
 * A small autoregressive model that reads along with the diffusion model: it supervises guided decoding or drafts for a
 * warm start, and never writes a token itself. Both share one tokenizer. Asked one thing at a time, on the caller's
 * thread; the answer belongs to the asker.
 */
export type Companion = (ask: CompanionAsk) => Promise<Int32Array>;
