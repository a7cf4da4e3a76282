import { emptyMemory, recordConfidence, recordEdits, recordForward } from "../cache/memory.ts";
import { UnmaskError } from "../core/errors.ts";
import type { Commit, GenerateEvent } from "../core/events.ts";
import type { ForwardRequest, RowStats } from "../core/types.ts";
import { type Canvas, countMasks, editCanvas, FILLED, MASKED, targetRows } from "./canvas.ts";
import { forwardRequest } from "./forward.ts";
import { positionsOf, presentRows } from "./rows.ts";
import type {
  Candidates,
  DecodeState,
  LengthEdit,
  ModelTraits,
  Pick,
  Revision,
  Rng,
  Selector,
  Step,
  StopEdit,
  Strategy,
} from "./strategy.ts";

export type StepEvent = Extract<GenerateEvent, { type: "step" }>;
export type LengthEvent = Extract<GenerateEvent, { type: "length" }>;

/** What a decoder hands out: a forward to run (answer with its statistics), or what it did (answer with nothing). */
export type DecodeOutput =
  | { readonly type: "request"; readonly step: number; readonly request: ForwardRequest }
  | StepEvent
  | LengthEvent;

/** `stuck`: a step past its plan changed nothing, so no later step would. */
export type DecodeVerdict = "complete" | "eos" | "stuck";

export type Decoder = Generator<DecodeOutput, DecodeVerdict, RowStats | undefined>;

export function startState(canvas: Canvas): DecodeState {
  return {
    canvas,
    targets: targetRows(canvas),
    block: { start: 0, end: 0 },
    quotas: [],
    stepInBlock: 0,
    step: 0,
    nfe: 0,
    rows: 0,
    cache: emptyMemory(canvas.ids.length),
    stopped: null,
    changed: true,
    redraws: false,
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
 * Order in a step: sample, score, select and revise from the same statistics; commit, then take back; then the length;
 * then ask the stop rule (strategies note, section 1.1).
 */
export function* decode(strategy: Strategy, traits: ModelTraits, state: DecodeState, rng: Rng): Decoder {
  yield* commitPending(state);
  if (strategy.length?.prepare !== undefined) yield* prepare(strategy, traits, state, rng);
  while (state.stopped === null) {
    if (isBlockDone(strategy, state)) {
      if (!openBlock(strategy, state, rng)) return "complete";
      continue;
    }
    const stats = yield* forward(strategy, traits, state, eligibleRows(strategy, state), rng);
    if (state.stepInBlock === 0 && strategy.blocks.refine !== undefined) {
      state.block = strategy.blocks.refine({ state, stats, traits, rng });
    }
    // A cached forward does not compute every row; only what it computed can be chosen.
    const rows = presentRows(stats.rows, eligibleRows(strategy, state));
    const at = positionsOf(stats.rows, rows);
    const candidates = strategy.sampler.draw(stats, rows, at, state);
    if (strategy.cache !== undefined) recordConfidence(state.cache, rows, candidates.probabilities);
    const step: Step = { state, stats, candidates, traits, rng };
    const scores = strategy.scorer.score(step);
    state.redraws = false;
    const picks = strategy.selector.select(step, scores);
    if (state.redraws) continue;
    const commits = commitsOf(candidates, picks, confidences(strategy, candidates, scores), traits.maskId);
    const revision = strategy.reviser?.revise(step, commits) ?? UNCHANGED;
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
    yield stepEvent(state, outcome.commits, outcome, edit);
    if (edit !== null) yield* afterEdit(state, edit, from);
    if (isStuck) return "stuck";
  }
  return state.stopped;
}

/**
 * A step together with what the stop rule did, as one event. Events take back after they commit, so a cell that was
 * taken back and then filled by the rule is told as overwritten.
 */
function withStop(
  commits: readonly Commit[],
  revision: Revision,
  last: StopEdit | null,
): Revision & { readonly commits: readonly Commit[] } {
  if (last === null) return { ...revision, commits };
  const refilled = new Set(last.commits.map(({ row }) => row));
  const back = new Set(revision.remasks);
  return {
    commits: [...commits, ...last.commits.filter(({ row }) => !back.has(row))].sort((a, b) => a.row - b.row),
    remasks: revision.remasks.filter((row) => !refilled.has(row)),
    overwrites: [
      ...revision.overwrites,
      ...last.commits.filter(({ row }) => back.has(row)).map(({ row, id }) => ({ row, id })),
      ...last.overwrites,
    ],
  };
}

/** Runs the forward of a step. */
function* forward(
  strategy: Strategy,
  traits: ModelTraits,
  state: DecodeState,
  eligible: Int32Array,
  rng: Rng,
): Generator<DecodeOutput, RowStats, RowStats | undefined> {
  const request = forwardRequest(strategy, traits, state, eligible, rng);
  const stats = yield { type: "request", step: state.step, request };
  if (stats === undefined) throw new UnmaskError("internal", "The decoder's forward was not answered.");
  if (request.repeats === true) return stats;
  state.nfe++;
  const length = request.canvases[0]!.length;
  state.rows += request.canvases.length * (request.kv?.queryRows.length ?? length);
  for (const { canvas, rows: asked } of request.drafts ?? [])
    state.rows += asked.length > 0 ? canvas.length : 0;
  if (request.kv !== null) recordForward(state.cache, request.kv, request.canvases[0]!);
  return stats;
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
    const stats = yield* forward(strategy, traits, state, new Int32Array(0), rng);
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

/** Masks that may be chosen now, as far as the forward sees. */
function eligibleRows({ selector }: Strategy, state: DecodeState): Int32Array {
  const { targets, block } = state;
  const region =
    selector.scope === "canvas" ? targets : targets.subarray(firstReached(selector, state), block.end);
  const seen = selector.visible?.(state) ?? state.canvas.ids.length;
  return region.filter((row) => row < seen && state.canvas.kinds[row] === MASKED);
}

function firstReached({ scope }: Selector, { block }: DecodeState): number {
  return scope === "open" ? block.start : 0;
}

function isBlockDone(strategy: Strategy, state: DecodeState): boolean {
  const { selector, reviser } = strategy;
  if (state.stepInBlock >= (selector.limit?.(state) ?? Number.POSITIVE_INFINITY)) return true;
  if (selector.isPending?.(state) === true) return false;
  return masksInBlock(state, firstReached(selector, state)) === 0 && reviser?.isPending?.(state) !== true;
}

/** Whether a step without any change means that no later one of this block would change anything. */
function isIdle({ selector }: Strategy, state: DecodeState): boolean {
  const isPlanned = selector.isPending?.(state) === true || selector.limit !== undefined;
  return !isPlanned && masksInBlock(state, firstReached(selector, state)) > 0;
}

/** Masks from target index `from` to the end of the open block. */
function masksInBlock({ canvas, targets, block }: DecodeState, from: number): number {
  let masks = 0;
  for (let i = from; i < block.end; i++) if (canvas.kinds[targets[i]!] === MASKED) masks++;
  return masks;
}

function openBlock({ blocks, selector }: Strategy, state: DecodeState, rng: Rng): boolean {
  const block = blocks.next(state);
  if (block === null) return false;
  state.block = block;
  state.stepInBlock = 0;
  state.quotas = selector.plan?.(state, masksInBlock(state, block.start), rng) ?? [];
  return true;
}

function confidences(
  { scorer }: Strategy,
  { probabilities }: Candidates,
  scores: Float64Array,
): Float64Array | null {
  if (scorer.confidence === "none") return null;
  return scorer.confidence === "score" ? scores : probabilities;
}

/** Picked candidates as commits, by ascending row. A candidate that is the mask itself changes nothing. */
function commitsOf(
  { rows, ids }: Candidates,
  picks: readonly Pick[],
  confidence: Float64Array | null,
  maskId: number,
): Commit[] {
  return picks
    .filter(({ index }) => ids[index] !== maskId)
    .toSorted((a, b) => a.index - b.index)
    .map(({ index, reason }) => ({
      row: rows[index]!,
      id: ids[index]!,
      conf: confidence?.[index] ?? null,
      reason,
    }));
}

function commit(canvas: Canvas, commits: readonly Commit[]): void {
  for (const { row, id } of commits) {
    canvas.ids[row] = id;
    canvas.kinds[row] = FILLED;
  }
}

function revise(canvas: Canvas, { remasks, overwrites }: Revision, maskId: number): void {
  for (const row of remasks) {
    canvas.ids[row] = maskId;
    canvas.kinds[row] = MASKED;
  }
  for (const { row, id } of overwrites) canvas.ids[row] = id;
}

function applyEdit(
  { blocks }: Strategy,
  { maskId }: ModelTraits,
  state: DecodeState,
  edit: LengthEdit,
): void {
  const { targets, block } = state;
  // The open block keeps its cells; a cell inserted right behind its last one belongs to it.
  const first = targets[block.start] ?? 0;
  const behind = block.end > block.start ? targets[block.end - 1]! + 1 : first;
  let end = block.end;
  for (const { at, n } of edit.inserts) if (at > first && at <= behind) end += n;
  for (const { at, n } of edit.deletes) {
    for (let row = at; row < at + n; row++) if (row >= first && row < behind) end--;
  }
  state.canvas = editCanvas(state.canvas, edit, maskId);
  state.targets = targetRows(state.canvas);
  state.pending = edit.commits ?? [];
  state.block = { start: block.start, end: Math.min(end, state.targets.length) };
  if (blocks.refit !== undefined && block.end > 0) state.block = blocks.refit(state);
}
