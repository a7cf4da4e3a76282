import type { ForwardTime, Piece } from "./types.ts";

export const COMMIT_REASONS = [
  "quota",
  "threshold",
  "best",
  "fill",
  "forced",
  "factor",
  "entropy",
  "stable",
  "anchor",
  "neighbour",
  "segment",
  "filter",
  "draft",
  "sampled",
  "search",
] as const;

/** Why a cell was committed. */
export type CommitReason = (typeof COMMIT_REASONS)[number];

/** A token written into a cell. `row` is its cell in the canvas. */
export interface Commit {
  readonly row: number;
  readonly id: number;
  /** Probability by the decoder's own convention; `null` when the score is not a probability of the model. */
  readonly conf: number | null;
  readonly reason: CommitReason;
}

/** Why a run ended: no mask was left, the text came to its end before, or it was stopped. */
export type DoneReason = "complete" | "eos" | "aborted";

/** What a search found; see `search` in the recipe. */
export interface SearchReport {
  readonly method: string;
  /** Index into the candidates: the text of the run. */
  readonly best: number;
  readonly candidates: readonly {
    readonly seed: number;
    readonly score: number;
    readonly text: string;
    readonly tokens: readonly number[];
  }[];
  /** Temporal voting: the answers that were read, the heaviest first. */
  readonly votes?: readonly { readonly answer: string; readonly weight: number; readonly steps: number }[];
}

/** Text of token ids that appear for the first time in this event, so that a trace can be shown without a tokenizer. */
export type Pieces = Readonly<Record<string, Piece>>;

/**
 * Where the wall time of a step went, in milliseconds: its parts add up to the time since the step before, but for what
 * the run was held or waited for its caller.
 */
export interface StepTime extends ForwardTime {
  /** From statistics to the next request. */
  readonly decide: number;
  /** Telling what happened, as far as a forward waited for it; it belongs to the step that waited. */
  readonly display: number;
}

/**
 * What happens during a generation, in order; plain data. The last event is always `done`; failures reject the iteration.
 * A `step` applies its commits, remasks, overwrites, inserts and deletes in that order; folding the events over the
 * canvas of `start` gives the final canvas. `ms` is wall time since the generation began.
 */
export type GenerateEvent =
  | {
      readonly type: "start";
      readonly canvas: readonly number[];
      readonly maskId: number;
      readonly promptLen: number;
      /** Rows to be filled, as half-open ranges: one for a generation, one a gap for an infill. */
      readonly gaps: readonly (readonly [number, number])[];
      /** The fully resolved recipe and the seed: together with the prompt they reproduce the run. */
      readonly recipe: unknown;
      readonly seed: number;
      readonly pieces?: Pieces;
    }
  | {
      readonly type: "forward";
      readonly step: number;
      readonly nfe: number;
      /** Rows computed, and keys and values reused, by this forward (each canvas of a batch counts). */
      readonly rows: number;
      readonly kvRows: number;
      readonly batch: number;
      /**
       * Runs of the model that computed the canvases of the call, where it had several; 0: this forward came along with
       * the one before.
       */
      readonly runs?: number;
      /** Why they did not share one run. */
      readonly apart?: string;
      /** Of a search: the text that the forward is for. */
      readonly candidate?: number;
      readonly ms?: number;
    }
  | {
      readonly type: "step";
      readonly step: number;
      readonly nfe: number;
      readonly commits: readonly Commit[];
      readonly remasks: readonly { readonly row: number }[];
      readonly overwrites: readonly { readonly row: number; readonly id: number }[];
      readonly inserts: readonly { readonly at: number; readonly n: number }[];
      readonly deletes: readonly { readonly at: number; readonly n: number }[];
      readonly masksLeft: number;
      /** Of a search: the text that the canvas shows from this step on. */
      readonly candidate?: number;
      readonly pieces?: Pieces;
      readonly ms?: number;
      readonly time?: StepTime;
    }
  | {
      readonly type: "length";
      readonly step: number;
      readonly from: number;
      readonly to: number;
      readonly why: string;
    }
  | { readonly type: "cache"; readonly step: number; readonly scope: "all" | "rows"; readonly why: string }
  | {
      readonly type: "done";
      readonly reason: DoneReason;
      readonly nfe: number;
      readonly rows: number;
      /** Canvases evaluated: the two branches of guidance and drafts count one each. */
      readonly branchNfe?: number;
      readonly steps: number;
      /** Generated tokens that are neither EOS nor padding. */
      readonly effectiveTokens: number;
      /** Generated part: ids of the filled rows, in order. */
      readonly tokens: readonly number[];
      /** Generated text; for an infill the whole text. */
      readonly text?: string;
      /** Tokens not to be trusted: the model wavered over them (src/strategies/pieces/doubts.ts). Absent: none. */
      readonly doubts?: readonly { readonly row: number; readonly flip: number; readonly osc: number }[];
      /** Mean share of looks at which another token was preferred, over the cells looked at often enough. */
      readonly instability?: number;
      /** Infill: the text of each gap. */
      readonly filled?: readonly string[];
      readonly search?: SearchReport;
      readonly ms?: number;
    };

/** Progress while a model is opened. `bytes` and `totalBytes` count the download over all files. */
export interface LoadEvent {
  readonly phase: "downloading" | "verifying" | "compiling" | "warming";
  readonly bytes: number;
  readonly totalBytes: number;
}

/** Events plus what is needed to replay them; the content of a `.unmask.json` file. */
export interface Trace {
  readonly schema: 1;
  readonly model: string;
  readonly recipe: unknown;
  readonly seed: number;
  readonly prompt: { readonly text: string; readonly ids: readonly number[] };
  readonly events: readonly GenerateEvent[];
}
