/**
 * The nouns every layer shares. A *canvas* is the token array being denoised: prompt, then the cells to fill.
 * Rows are absolute canvas positions. Nothing here owns memory: whoever allocates a typed array owns it.
 */

/** Half-open range of canvas rows, `[start, end)`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Seeded Gumbel noise for sampling at `temperature` > 0: `argmax(logit + temperature * gumbel)` over the whole row. */
export interface NoiseRequest {
  readonly temperature: number;
  readonly seed: number;
  /** The denoise step; with seed, row and token id it is the counter of the generator, so order never matters. */
  readonly step: number;
  /** Keep only the `topK` largest logits before sampling; 0 keeps all. */
  readonly topK: number;
  /** Keep the smallest set of tokens whose tempered probability reaches `topP`; 1 keeps all. */
  readonly topP: number;
}

/** What a strategy wants to know about each row. The denoiser computes only this. */
export interface SignalRequest {
  /** Number of best ids and logits a row, 1..64. */
  readonly topK: number;
  readonly entropy: boolean;
  /** The logit of the token that stands in the cell now. */
  readonly current: boolean;
  /** Token ids whose logits are wanted in every row (EOS and the like). */
  readonly probe: readonly number[];
  /** Ids whose logits are wanted, `[R, width]` in the order of the request's rows; -1 is an unused place. */
  readonly gather?: { readonly width: number; readonly ids: Int32Array };
  /**
   * KL divergence of each row's distribution to the one it had when this was last asked for. `first` forgets what was
   * kept: a new run, whose rows have nothing to compare with.
   */
  readonly klPrevious?: "first" | "next";
  /** Log-sum-exp and entropy of the distribution that `noise` draws from: tempered, then cut by top-k and top-p. */
  readonly tempered?: boolean;
  /** What a companion expects in each row once the sampled ids stand in the canvas. */
  readonly expected?: boolean;
  /** Absent: no sampling, `sampledIds` repeats the best id. */
  readonly noise?: NoiseRequest;
}

/**
 * Row statistics, struct of arrays, `R = rows.length`. Computed after guidance, shift and suppression.
 * Logits are natural-log units at temperature 1; `probability = exp(logit - lse)`.
 * Owned by the denoiser and valid until its next forward: copy what must outlive that.
 */
export interface RowStats {
  readonly rows: Int32Array;
  /** Log-sum-exp over the whole vocabulary, `[R]`. */
  readonly lse: Float32Array | Float64Array;
  readonly k: number;
  /** Best ids, descending logit, ties to the smaller id, `[R, k]`. */
  readonly topIds: Int32Array;
  readonly topLogits: Float32Array | Float64Array;
  /** The sampled id, `[R]`: equals `topIds[r * k]` without noise. */
  readonly sampledIds: Int32Array;
  /** Noise-free logit of the sampled id, `[R]`. */
  readonly sampledLogits: Float32Array | Float64Array;
  /** Shannon entropy in nats, `[R]`; present when asked for. */
  readonly entropy?: Float32Array | Float64Array;
  /** `[R]`; present when asked for. */
  readonly currentLogits?: Float32Array | Float64Array;
  /** `[R, probe.length]`; present when asked for. */
  readonly probeLogits?: Float32Array | Float64Array;
  /** `[R, width]`, -Infinity at unused places; present when asked for. */
  readonly gatherLogits?: Float32Array | Float64Array;
  /** Nats, `[R]`; Infinity for a row that has no earlier distribution. Present when asked for. */
  readonly klPrevious?: Float32Array | Float64Array;
  /** `[R]`: `ln sum exp(l / T)` over the tokens that compete. Without noise: of the whole row at temperature 1. */
  readonly temperedLse?: Float32Array | Float64Array;
  /** Entropy in nats of the distribution that is drawn from, `[R]`; comes with `temperedLse`. */
  readonly temperedEntropy?: Float32Array | Float64Array;
  /** `[R]`, -1 where nothing stands before the row; present when asked for. */
  readonly expected?: Int32Array;
  /** Mean cosine of conditional and unconditional logits over the rows, when the guidance asks for it. */
  readonly agreement?: number;
  /** One for each draft of the request. */
  readonly drafts?: readonly RowStats[];
  /** How the canvases of a call were computed, where there were several. */
  readonly batch?: BatchReport;
  /** Of denoisers that have a clock. */
  readonly time?: ForwardTime;
}

/** How many canvases were computed in how many runs of the model. */
export interface BatchReport {
  readonly canvases: number;
  readonly runs: number;
  /** Why they are not all in one run. */
  readonly apart?: string;
}

/** Where the time of a forward went, in milliseconds. */
export interface ForwardTime {
  /** Making the inputs of the graph and moving cached rows; once, opening the graph that a blend needs. */
  readonly upload: number;
  /** The graph; on a GPU until it is submitted. */
  readonly run: number;
  /** Waiting for the GPU, the statistics of the rows, and getting them. */
  readonly readback: number;
}

/** A further canvas of the same length that is evaluated together with the main one, on its own rows. */
export interface Draft {
  readonly canvas: Int32Array;
  /** Ascending. */
  readonly rows: Int32Array;
  /** One id a row whose logit is wanted, `[R]`: it becomes `gatherLogits` of width 1. */
  readonly gather?: Int32Array;
}

/**
 * Which rows a forward computes and which keys and values (K/V) it reuses. All lists ascend; rows that are in neither
 * `queryRows` nor `readRows` are invisible to the forward. Each canvas of a guided request has a store of its own.
 */
export interface KvPlan {
  /** Rows computed now. */
  readonly queryRows: Int32Array;
  /** Rows whose stored K/V are attended to; none of the query rows. A plan that reads nothing empties the stores first. */
  readonly readRows: Int32Array;
  /** Query rows whose new K/V are stored, in place of what was stored for them. */
  readonly writeRows: Int32Array;
}

/** Attention pattern of a forward: everything sees everything, or each block sees itself and the blocks before it. */
export type Attention =
  | { readonly kind: "full" }
  | { readonly kind: "block-causal"; readonly block: number; readonly align: "absolute" | "prompt-end" };

/**
 * Classifier-free guidance: the second canvas of the request is the unconditional one and
 * `logits = u + (scale + 1) * (c - u)` (LLaDA generate.py). `scale` 0 must be expressed as `none`.
 */
export type Guidance =
  | { readonly kind: "none" }
  | {
      readonly kind: "cfg";
      readonly scale: number;
      /** Given ids that the unconditional canvas still shows. */
      readonly keep?: readonly number[];
      /** Asks for {@link RowStats.agreement}. */
      readonly agreement?: true;
      /** Keeps the unconditional logits of the rows for `residual` forwards. */
      readonly store?: true;
    }
  | {
      /** One canvas, guided by `decay` times the unconditional logits kept last; rows without any stay as they are. */
      readonly kind: "residual";
      readonly scale: number;
      readonly decay: number;
    };

/**
 * A draft that masks are read as in part (embedding interpolation): where a canvas has the mask, the model is given
 * `share` of the vector of a token and the rest of the mask's.
 */
export interface Blend {
  /** The token of each row, `[N]`; -1: the row is read as it is. */
  readonly ids: Int32Array;
  /** In (0, 1]. */
  readonly share: number;
}

/** One forward pass, yielded by a decoder and fulfilled by a {@link Denoiser} or by a scripted oracle. */
export interface ForwardRequest {
  /** Canvas ids, `[N]` each, all of one length. Two when guidance is `cfg`: conditional, then unconditional. */
  readonly canvases: readonly Int32Array[];
  /** Rows whose statistics are wanted, ascending. */
  readonly rows: Int32Array;
  readonly attention: Attention;
  readonly guidance: Guidance;
  readonly signals: SignalRequest;
  /** Ids that can never be chosen: their logits count as -infinity. Always holds the mask id. */
  readonly suppress: readonly number[];
  /** Null: every row is computed, nothing is reused and nothing is stored. */
  readonly kv: KvPlan | null;
  readonly promptLen: number;
  /** Evaluated without guidance and noise; their statistics have the same signals otherwise. */
  readonly drafts?: readonly Draft[];
  /** For the masks of all canvases and drafts. */
  readonly blend?: Blend;
  /** The canvas is that of the last request: logits may be kept, only what is drawn from them changes. */
  readonly repeats?: boolean;
  /**
   * Which of several runs that go on side by side this belongs to: each has stored keys and values of its own. Absent: one
   * run goes on alone, and the stores of others are freed.
   */
  readonly lane?: number;
}

/** The model as a function from canvas to row statistics. The seam between decoding and hardware. */
export interface Denoiser {
  readonly vocab: number;
  readonly maskId: number;
  readonly maxCanvas: number;
  /** A forward computes on the thread that asks for it: until it answers, nothing else happens there. */
  readonly blocks?: boolean;
  /** One statistics record (guidance already combines canvases). Rejects with `UnmaskError`. */
  forward(request: ForwardRequest): Promise<RowStats>;
  /**
   * Forwards that do not depend on each other, in as few runs of the model as fit; `time` and `batch` of the first answer
   * are those of all. Absent: this denoiser takes one at a time.
   */
  forwardAll?(requests: readonly ForwardRequest[]): Promise<readonly RowStats[]>;
  /** Rows that several canvases may have in all to share a run of the model; absent: they never do. */
  readonly batchRows?: number;
  /** Frees sessions, buffers and devices. Idempotent. */
  dispose(): Promise<void>;
}

/** Text to ids and back. Text never yields special tokens; those are added by id. */
export interface Tokenizer {
  readonly vocab: number;
  encode(text: string): Int32Array;
  /** Skips special tokens. */
  decode(ids: readonly number[] | Int32Array): string;
  /** What one token stands for: text when it is valid UTF-8 by itself, raw bytes when it is part of a character. */
  piece(id: number): Piece;
}

/** `string`: text of a token. `number[]`: its bytes when they are only part of a character. Special tokens: "". */
export type Piece = string | readonly number[];
