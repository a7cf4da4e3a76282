import type { CacheDemands } from "../cache/compose.ts";
import type { CacheMemory } from "../cache/memory.ts";
import type { CachePolicy } from "../cache/policy.ts";
import type { Commit, CommitReason } from "../core/events.ts";
import type {
  Attention,
  Blend,
  Draft,
  ForwardRequest,
  Guidance,
  NoiseRequest,
  RowStats,
  SignalRequest,
  Span,
} from "../core/types.ts";
import type { Canvas } from "./canvas.ts";

/**
 * A strategy is a record of pieces, each a plain function of the state and the row statistics. Pieces hold no state of
 * their own: all of it is in {@link DecodeState}, which is plain data, so a run can be cloned and resumed at any step.
 */
export interface Strategy {
  readonly blocks: BlockSchedule;
  readonly sampler: Sampler;
  readonly scorer: Scorer;
  readonly selector: Selector;
  readonly guidance: Guidance;
  /** Decides on guidance anew in each step, in place of `guidance`. */
  readonly guide?: GuidanceControl;
  /** Takes tokens back or replaces them. Absent: what is committed stays. */
  readonly reviser?: Reviser;
  /** Inserts and deletes cells. Absent: the canvas keeps its length. */
  readonly length?: LengthControl;
  /** Absent: the run ends when no mask is left. */
  readonly stop?: StopRule;
  /** Absent: every forward computes the whole canvas. */
  readonly cache?: CachePolicy;
  /** What the pieces ask of a cache; absent: nothing but the rows of the open block. */
  readonly demands?: CacheDemands;
  /** A draft that masks are read as in part. Absent: a mask is a mask. */
  readonly hints?: DraftHints;
  /** Keeps out what must not be written. Absent: every token may be. */
  readonly admission?: Admission;
}

/** A draft whose tokens stand in no cell; see {@link Blend}. */
export interface DraftHints {
  /** The token that is meant for each cell, by slot; -1: none. Cells that are inserted later have none. */
  readonly ids: Int32Array;
  /** Share of the token's vector in what its mask is read as, in (0, 1]. */
  readonly share: number;
}

/** What a decoder needs to know about a model. */
export interface ModelTraits {
  readonly maskId: number;
  /** Ids that are never chosen. */
  readonly suppress: readonly number[];
  readonly attention: Attention;
  /** 1: the raw logits of a row predict the next one; 0 when absent. */
  readonly logitsShift?: 0 | 1;
}

/** Where a run stands. Serialisable; mutated in place by the decoder. */
export interface DecodeState {
  /** Replaced when its length changes. */
  canvas: Canvas;
  /** Rows to fill, ascending. Blocks are cut from this list, so the gaps of an infill form one region. */
  targets: Int32Array;
  /** The open block as a range of indices into `targets`; empty before the first. */
  block: Span;
  /** Commits planned for each step of the open block; empty when the selector does not plan ahead. */
  quotas: readonly number[];
  stepInBlock: number;
  step: number;
  nfe: number;
  /** Canvases evaluated so far: the two branches of a guided forward and its drafts count one each. */
  branchNfe: number;
  /** Query rows computed so far; each canvas of a batch counts. */
  rows: number;
  /** What is known of stored keys and values; see src/cache. */
  readonly cache: CacheMemory;
  /** Set by the stop rule: how the run ends. */
  stopped: "complete" | "eos" | null;
  /** Whether the last step changed the canvas. */
  changed: boolean;
  /** Commits of the last length edit that are not in the canvas yet. */
  pending: readonly Commit[];
  /** What pieces remember, by the name of the piece (see memory.ts). */
  readonly memory: Record<string, unknown>;
}

/** One candidate a row, struct of arrays by ascending row. */
export interface Candidates {
  readonly rows: Int32Array;
  readonly ids: Int32Array;
  /** Probability of the id by the sampler's own convention; 0 for a row without finite logits. */
  readonly probabilities: Float64Array;
  /** Where each row stands in the statistics of the step. */
  readonly at: Int32Array;
}

/** What a piece sees of a step. `stats` also covers the rows that pieces watch; `candidates` only those to be chosen. */
export interface Step {
  readonly state: DecodeState;
  readonly stats: RowStats;
  readonly candidates: Candidates;
  readonly traits: ModelTraits;
  readonly rng: Rng;
}

/** What every piece may declare. A piece must not read a signal it does not declare. */
export interface Piece {
  readonly needs?: Partial<Omit<SignalRequest, "noise" | "gather" | "klPrevious">>;
  /** Rows whose statistics are wanted besides the masks of the open block; any order. What the forward is not shown is left out. */
  watch?(state: DecodeState): Iterable<number>;
}

/** Chooses the next block, asked whenever the open one is finished. */
export interface BlockSchedule extends Piece {
  /** Canvas rows `[start, end)` of the next block; null when all are written. */
  next(state: DecodeState): Span | null;
  /** Asked with the statistics of a block's first forward: may move its end. */
  refine?(step: Omit<Step, "candidates">): Span;
  /** Asked after the canvas changed its length; without it the block keeps its cells. */
  refit?(state: DecodeState): Span;
}

/** Turns statistics into one candidate a row. */
export interface Sampler extends Piece {
  /** Noise to draw with in this step; undefined takes the best token. */
  noise(state: DecodeState, rng: Rng, rows: Int32Array): NoiseRequest | undefined;
  /** Ids whose logits it reads, by row. */
  gather?(state: DecodeState): ReadonlyMap<number, readonly number[]>;
  /**
   * @param rows canvas rows to draw for
   * @param at where each of them stands in `stats`
   */
  draw(stats: RowStats, rows: Int32Array, at: Int32Array, state: DecodeState): Candidates;
}

/** Ranks the candidates: larger is committed earlier. */
export interface Scorer extends Piece {
  /** One score a candidate, in their order; a new array. */
  score(step: Step): Float64Array;
  /** What a commit reports as its confidence; `none` when the choice says nothing about the model. */
  readonly confidence: "probability" | "score" | "none";
}

/** A candidate that is to be committed, and why. */
export interface Pick {
  /** Index into the candidates. */
  readonly index: number;
  readonly reason: CommitReason;
}

/** Chooses the rows of a step: at least one while the block has masks and its plan is used up. */
export interface Selector extends Piece {
  /** Asks for the divergence of each row from its last distribution. */
  readonly tracksKl?: boolean;
  /** After a step that changed nothing the statistics still hold: only what is drawn from them is new. */
  reuses?(state: DecodeState): boolean;
  /**
   * Candidates: masks up to the end of the open block, leftovers of earlier ones included (`reached`, the default), those
   * of the open block only, or all of the canvas.
   */
  readonly scope?: "reached" | "open" | "canvas";
  /**
   * Called with the number of masks when a block opens, and again when cells were taken back or inserted: then for what is
   * left, with the steps behind in `state.quotas`. See {@link DecodeState.quotas}.
   */
  plan?(state: DecodeState, masks: number, rng: Rng): readonly number[];
  /** True while the open block wants another forward although it has no masks left. */
  isPending?(state: DecodeState): boolean;
  /** Steps after which a block is left although it has masks; golden replays only. */
  limit?(state: DecodeState): number;
  /** Leading cells that the forward sees; without it all. Approximate: the model is not shown the rest. */
  visible?(state: DecodeState): number;
  /** Canvases to evaluate along with the main one; the reviser does not see them in its statistics. */
  drafts?(state: DecodeState, maskId: number): readonly Draft[];
  /** Which candidates are committed; `scores` are those of the scorer, one a candidate. */
  select(step: Step, scores: Float64Array): readonly Pick[];
}

/** What is taken back or replaced after the commits of a step. */
export interface Revision {
  readonly remasks: readonly number[];
  readonly overwrites: readonly { readonly row: number; readonly id: number }[];
}

/** Asked with the statistics that the commits came from. Given cells are out of reach. */
export interface Reviser extends Piece {
  /** Canvases to evaluate along with the main one; no other piece sees them in its statistics. */
  drafts?(state: DecodeState, maskId: number): readonly Draft[];
  /** What to take back or replace, after these commits. */
  revise(step: Step, commits: readonly Commit[]): Revision;
  /** True while a block without masks wants another forward. */
  isPending?(state: DecodeState): boolean;
}

/** Cells to insert (as masks) and to delete: positions before the edit, inserts first. */
export interface LengthEdit {
  readonly inserts: readonly { readonly at: number; readonly n: number }[];
  readonly deletes: readonly { readonly at: number; readonly n: number }[];
  /** Tokens for inserted cells, by row after the edit; they become a step event of their own. */
  readonly commits?: readonly Commit[];
  readonly why: string;
}

/** What a length control answers before the first block. */
export interface Preparation {
  readonly edit: LengthEdit | null;
  /** Whether it wants another forward over the edited canvas. */
  readonly again: boolean;
}

/** Finds the length of the text: inserts and deletes cells between steps. */
export interface LengthControl extends Piece {
  /** Asked with a forward over the rows it watches before the first block is opened. */
  prepare?(step: Omit<Step, "candidates">): Preparation;
  /** Asked after commits and revision. */
  edit(step: Step, commits: readonly Commit[]): LengthEdit | null;
}

/** What a stop rule leaves behind: commits and overwrites that need no forward. */
export interface StopEdit {
  readonly commits: readonly Commit[];
  readonly overwrites: readonly { readonly row: number; readonly id: number }[];
  readonly reason: "complete" | "eos";
}

/** Guidance that depends on what the branches said. */
export interface GuidanceControl {
  /** Guidance of the next forward. */
  plan(state: DecodeState): Guidance;
  /** The second canvas, `[N]`, a new array; absent: everything that was given is masked. */
  unconditional?(state: DecodeState, maskId: number): Int32Array;
  /** Told about every forward, with the guidance it ran under. */
  observe(state: DecodeState, stats: RowStats, guidance: Guidance): void;
}

/**
 * Keeps tokens out that must not be written, before anything is drawn or scored. Rows without a listed token that may be
 * are no candidates while there are others.
 */
export interface Admission {
  /** The statistics of a step as the other pieces see them: what must not be written has no logit. */
  admit(state: DecodeState, stats: RowStats, request: ForwardRequest): RowStats;
  /**
   * For rows of which none has a listed token that may be written: what one more forward is asked about, all ids that
   * may be written in a row. Rows ascend; at least one of them, and not more than an answer should hold.
   */
  wanted(state: DecodeState, rows: Int32Array): ReadonlyMap<number, ArrayLike<number>>;
  /** Puts the best of the wanted ids into a copy of the statistics that were admitted. */
  settle(
    stats: RowStats,
    wanted: ReadonlyMap<number, ArrayLike<number>>,
    answer: RowStats,
    request: ForwardRequest,
  ): void;
}

/** Asked after the commits of a step are in the canvas; null goes on. */
export interface StopRule extends Piece {
  /** How the run ends after this step; null when it does not. */
  stop(step: Step): StopEdit | null;
}

/** Randomness that is not token noise. Golden replays hand in recorded numbers. */
export interface Rng {
  readonly seed: number;
  /** One uniform in (0, 1) a row; called at most once a step. */
  uniforms(step: number, rows: Int32Array): Float64Array;
}
