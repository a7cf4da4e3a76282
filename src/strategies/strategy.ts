import type { CacheDemands } from "../cache/compose.ts";
import type { CacheMemory } from "../cache/memory.ts";
import type { CachePolicy } from "../cache/policy.ts";
import type { Commit, CommitReason } from "../core/events.ts";
import type { Attention, Guidance, NoiseRequest, RowStats, Span } from "../core/types.ts";
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
  /** Absent: the run ends when no mask is left. */
  readonly stop?: StopRule;
  /** Absent: every forward computes the whole canvas. */
  readonly cache?: CachePolicy;
  /** What the pieces ask of a cache; absent: nothing but the masks of the open block. */
  readonly demands?: CacheDemands;
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
  readonly canvas: Canvas;
  /** Rows to fill, ascending. Blocks are cut from this list, so the gaps of an infill form one region. */
  readonly targets: Int32Array;
  /** The open block as a range of indices into `targets`; empty before the first. */
  block: Span;
  /** Commits planned for each step of the open block; empty when the selector does not plan ahead. */
  quotas: readonly number[];
  stepInBlock: number;
  step: number;
  nfe: number;
  /** Query rows computed so far; each canvas of a batch counts. */
  rows: number;
  /** What is known of stored keys and values; see src/cache. */
  readonly cache: CacheMemory;
  /** Set by the stop rule. */
  stopped: boolean;
}

/** One candidate a row, struct of arrays in the order of `stats.rows` (ascending). */
export interface Candidates {
  readonly rows: Int32Array;
  readonly ids: Int32Array;
  /** Probability of the id by the sampler's own convention; 0 for a row without finite logits. */
  readonly probabilities: Float64Array;
}

/** Chooses the next block, asked whenever the open one is finished. */
export type BlockSchedule = (state: DecodeState) => Span | null;

/** Turns statistics into one candidate a row. */
export interface Sampler {
  /** Noise to draw with in this step; undefined takes the best token. */
  noise(state: DecodeState, rng: Rng): NoiseRequest | undefined;
  draw(stats: RowStats): Candidates;
}

/** Ranks the candidates: larger is committed earlier. */
export interface Scorer {
  score(state: DecodeState, candidates: Candidates, rng: Rng): Float64Array;
  /** False when the score says nothing about the model: then it is not reported as a confidence. */
  readonly isProbability: boolean;
}

export interface Pick {
  /** Index into the candidates. */
  readonly index: number;
  readonly reason: CommitReason;
}

/** Chooses the rows of a step: at least one while the block has masks and its plan is used up. */
export interface Selector {
  /** Called when a block opens with the number of its masks; see {@link DecodeState.quotas}. */
  plan(state: DecodeState, masks: number): readonly number[];
  select(state: DecodeState, candidates: Candidates, scores: Float64Array): readonly Pick[];
}

/** What a stop rule leaves behind: commits and overwrites that need no forward. */
export interface StopEdit {
  readonly commits: readonly Commit[];
  readonly overwrites: readonly { readonly row: number; readonly id: number }[];
}

/** Asked after the commits of a step are in the canvas; null goes on. */
export type StopRule = (state: DecodeState) => StopEdit | null;

/** Randomness that is not token noise. Golden replays hand in recorded numbers. */
export interface Rng {
  readonly seed: number;
  /** One uniform in (0, 1) a row; called at most once a step. */
  uniforms(step: number, rows: Int32Array): Float64Array;
}
