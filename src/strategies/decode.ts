import { emptyMemory, recordConfidence, recordEdits, recordForward } from "../cache/memory.ts";
import { clone } from "../core/clone.ts";
import { UnmaskError } from "../core/errors.ts";
import type { Commit, GenerateEvent } from "../core/events.ts";
import type { ForwardRequest, RowStats } from "../core/types.ts";
import { applyEdit, commit, commitsOf, revise, withStop } from "./apply.ts";
import { type Canvas, countMasks, targetRows } from "./canvas.ts";
import { closerRequest, costOf, forwardRequest, withDrafts } from "./forward.ts";
import { eligibleRows, isBlockDone, isIdle, openBlock, planAgain } from "./progress.ts";
import { positionOf, positionsOf, presentRows } from "./rows.ts";
import type { DecodeState, LengthEdit, ModelTraits, Revision, Rng, Step, Strategy } from "./strategy.ts";

export type StepEvent = Extract<GenerateEvent, { type: "step" }>;
export type LengthEvent = Extract<GenerateEvent, { type: "length" }>;

/** What a decoder hands out: a forward to run (answer with its statistics), or what it did (answer with nothing). */
export type DecodeOutput =
  | { readonly type: "request"; readonly step: number; readonly request: ForwardRequest }
  | StepEvent
  | LengthEvent;

/** `stuck`: a step past its plan changed nothing, so no later step would. */
export type DecodeVerdict = "complete" | "eos" | "stuck";

/** A decoder at work: it hands out requests and events, and ends with how it ended. */
export type Decoder = Generator<DecodeOutput, DecodeVerdict, RowStats | undefined>;

/** The state of a decoder before its first step. The canvas is taken over, not copied. */
export function startState(canvas: Canvas): DecodeState {
  return {
    canvas,
    targets: targetRows(canvas),
    block: { start: 0, end: 0 },
    quotas: [],
    stepInBlock: 0,
    step: 0,
    nfe: 0,
    branchNfe: 0,
    rows: 0,
    cache: emptyMemory(canvas.ids.length),
    stopped: null,
    changed: true,
    pending: [],
    memory: {},
  };
}

const UNCHANGED: Revision = { remasks: [], overwrites: [] };

/**
 * Fills the masks of `state.canvas`, one forward a step, and reports every change.
 *
 * Pure: no clock, no randomness but `rng`, no GPU. Whoever drives it answers each `request` with row statistics, so the
 * same code runs against WebGPU, WASM and the scripted oracle. When a step event is handed out the state already
 * includes it: a clone taken then resumes with the same suffix. A `complete` run has no masks left.
 *
 * Order in a step: admit, sample, score, select and revise from the same statistics; commit, then take back; then the
 * length; then ask the stop rule (strategies note, section 1.1).
 */
export function* decode(strategy: Strategy, traits: ModelTraits, state: DecodeState, rng: Rng): Decoder {
  yield* commitPending(state);
  if (strategy.length?.prepare !== undefined) yield* prepare(strategy, traits, state, rng);
  while (state.stopped === null) {
    if (isBlockDone(strategy, state)) {
      if (!openBlock(strategy, state, rng)) return "complete";
      continue;
    }
    const asked = yield* forward(strategy, traits, state, eligibleRows(strategy, state), rng);
    if (state.stepInBlock === 0 && strategy.blocks.refine !== undefined) {
      state.block = strategy.blocks.refine({ state, stats: asked.stats, traits, rng });
    }
    // A cached forward does not compute every row; only what it computed can be chosen.
    const present = presentRows(asked.stats.rows, eligibleRows(strategy, state));
    const { stats: all, rows } = yield* admittedRows(strategy, state, asked, present);
    const stats = withDrafts(all, 0, asked.own);
    const at = positionsOf(stats.rows, rows);
    const candidates = strategy.sampler.draw(stats, rows, at, state);
    if (strategy.cache !== undefined) recordConfidence(state.cache, rows, candidates.probabilities);
    const step: Step = { state, stats, candidates, traits, rng };
    const scores = strategy.scorer.score(step);
    const picks = strategy.selector.select(step, scores);
    const commits = commitsOf(strategy, candidates, scores, picks, traits.maskId);
    const judged = withDrafts(all, asked.own);
    const judging = judged === stats ? step : { ...step, stats: judged };
    const revision = strategy.reviser?.revise(judging, commits) ?? UNCHANGED;
    commit(state.canvas, commits);
    revise(state.canvas, revision, traits.maskId);
    const edit = strategy.length?.edit(step, commits) ?? null;
    const from = state.canvas.ids.length;
    if (edit !== null) applyEdit(strategy, traits, state, edit);
    // Rows of a step with an edit are told before it: the stop rule has to wait for the next step.
    const last = edit === null ? (strategy.stop?.stop(step) ?? null) : null;
    if (last !== null) {
      commit(state.canvas, last.commits);
      for (const { row, id } of last.overwrites) state.canvas.ids[row] = id;
      state.stopped = last.reason;
    }
    const outcome = withStop(commits, revision, last);
    state.changed =
      outcome.commits.length + revision.remasks.length + outcome.overwrites.length > 0 || edit !== null;
    const isStuck = !state.changed && isIdle(strategy, state);
    state.stepInBlock++;
    if (revision.remasks.length > 0 || (edit?.inserts ?? []).length > 0) planAgain(strategy, state, rng);
    yield stepEvent(state, outcome.commits, outcome, edit);
    if (edit !== null) yield* afterEdit(state, edit, from);
    if (isStuck) return "stuck";
  }
  return state.stopped;
}

/** A forward and what the pieces get to see of its answer. */
interface Asked {
  readonly request: ForwardRequest;
  /** The first so many drafts are the selector's, the others the reviser's: each sees its own. */
  readonly own: number;
  readonly stats: RowStats;
}

/** Runs the forward of a step. */
function* forward(
  strategy: Strategy,
  traits: ModelTraits,
  state: DecodeState,
  eligible: Int32Array,
  rng: Rng,
): Generator<DecodeOutput, Asked, RowStats | undefined> {
  const { request, own } = forwardRequest(strategy, traits, state, eligible, rng);
  const stats = yield* answerTo(request, state);
  if (request.repeats !== true) strategy.guide?.observe(state, stats, request.guidance);
  if (request.kv !== null) recordForward(state.cache, request.kv, request.canvases[0]!);
  return { request, own, stats: strategy.admission?.admit(state, stats, request) ?? stats };
}

/** Has a forward run, and counts it. */
function* answerTo(
  request: ForwardRequest,
  state: DecodeState,
): Generator<DecodeOutput, RowStats, RowStats | undefined> {
  const stats = yield { type: "request", step: state.step, request };
  if (stats === undefined) throw new UnmaskError("internal", "The decoder's forward was not answered.");
  const { nfe, branches, rows } = costOf(request);
  state.nfe += nfe;
  state.branchNfe += branches;
  state.rows += rows;
  return stats;
}

/**
 * The rows that may be chosen now. Where none of them has a listed token that may be written, one more forward tells the
 * others apart.
 */
function* admittedRows(
  { admission }: Strategy,
  state: DecodeState,
  { request, stats }: Asked,
  present: Int32Array,
): Generator<DecodeOutput, { stats: RowStats; rows: Int32Array }, RowStats | undefined> {
  if (admission === undefined) return { stats, rows: present };
  const isListed = (row: number): boolean =>
    stats.topLogits[positionOf(stats.rows, row) * stats.k]! > Number.NEGATIVE_INFINITY;
  const rows = present.filter(isListed);
  if (rows.length > 0 || present.length === 0) return { stats, rows };
  const wanted = admission.wanted(state, present);
  // Its answer takes the place of the first.
  const kept = clone(stats);
  admission.settle(kept, wanted, yield* answerTo(closerRequest(request, wanted), state), request);
  return { stats: kept, rows: Int32Array.from(wanted.keys()) };
}

/** Lets the length control see the canvas before anything is committed. */
function* prepare(
  strategy: Strategy,
  traits: ModelTraits,
  state: DecodeState,
  rng: Rng,
): Generator<DecodeOutput, void, RowStats | undefined> {
  let again = state.block.end === 0;
  while (again) {
    const { stats } = yield* forward(strategy, traits, state, new Int32Array(0), rng);
    const answer = strategy.length!.prepare!({ state, stats, traits, rng });
    again = answer.again;
    if (answer.edit !== null) {
      const from = state.canvas.ids.length;
      applyEdit(strategy, traits, state, answer.edit);
      if (!again) openBlock(strategy, state, rng);
      yield stepEvent(state, [], UNCHANGED, answer.edit);
      yield* afterEdit(state, answer.edit, from);
    }
  }
}

/** Reports a change of length, then puts the tokens that came with it into the inserted cells. */
function* afterEdit(
  state: DecodeState,
  edit: LengthEdit,
  from: number,
): Generator<DecodeOutput, void, RowStats | undefined> {
  yield { type: "length", step: state.step - 1, from, to: state.canvas.ids.length, why: edit.why };
  yield* commitPending(state);
}

/** Tokens for inserted cells are an event of their own; a run saved between the two goes on with them. */
function* commitPending(state: DecodeState): Generator<DecodeOutput, void, RowStats | undefined> {
  const { pending } = state;
  if (pending.length === 0) return;
  state.pending = [];
  commit(state.canvas, pending);
  yield stepEvent(state, pending, UNCHANGED, null);
}

function stepEvent(
  state: DecodeState,
  commits: readonly Commit[],
  { remasks, overwrites }: Revision,
  edit: LengthEdit | null,
): StepEvent {
  const event: StepEvent = {
    type: "step",
    step: state.step++,
    nfe: state.nfe,
    commits,
    remasks: remasks.map((row) => ({ row })),
    overwrites,
    inserts: edit?.inserts ?? [],
    deletes: edit?.deletes ?? [],
    masksLeft: countMasks(state.canvas),
  };
  recordEdits(state.cache, event);
  return event;
}
