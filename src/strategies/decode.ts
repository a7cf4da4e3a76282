import { emptyMemory, recordConfidence, recordEdits, recordForward } from "../cache/memory.ts";
import { planForward } from "../cache/plan-forward.ts";
import { UnmaskError } from "../core/errors.ts";
import type { Commit, GenerateEvent } from "../core/events.ts";
import type { ForwardRequest, RowStats } from "../core/types.ts";
import { type Canvas, countMasks, FILLED, GIVEN, MASKED, targetRows } from "./canvas.ts";
import type { Candidates, DecodeState, ModelTraits, Pick, Rng, Strategy } from "./strategy.ts";

export type StepEvent = Extract<GenerateEvent, { type: "step" }>;

/** What a decoder hands out: a forward to run (answer with its statistics), or what it did (answer with nothing). */
export type DecodeOutput =
  | { readonly type: "request"; readonly step: number; readonly request: ForwardRequest }
  | StepEvent;

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
    stopped: false,
  };
}

/**
 * Fills the masks of `state.canvas`, one forward a step, and reports every change.
 *
 * Pure: no clock, no randomness but `rng`, no GPU. Whoever drives it answers each `request` with row statistics, so the
 * same code runs against WebGPU, WASM and the scripted oracle. When a step event is handed out the state already
 * includes it: a clone taken then resumes with the same suffix. A `complete` run has no masks left.
 *
 * Order in a step: score and select from the same statistics, commit, then ask the stop rule.
 */
export function* decode(strategy: Strategy, traits: ModelTraits, state: DecodeState, rng: Rng): Decoder {
  while (!state.stopped) {
    const rows = eligibleRows(state);
    if (rows.length === 0 && state.stepInBlock >= state.quotas.length) {
      if (!openBlock(strategy, state)) return "complete";
      continue;
    }
    const request = forwardRequest(strategy, traits, state, rows, rng);
    const stats = yield { type: "request", step: state.step, request };
    if (stats === undefined) throw new UnmaskError("internal", "The decoder's forward was not answered.");
    state.nfe++;
    state.rows += request.canvases.length * (request.kv?.queryRows.length ?? state.canvas.ids.length);

    const candidates = strategy.sampler.draw(stats);
    if (request.kv !== null) {
      recordForward(state.cache, request.kv, state.canvas.ids);
      recordConfidence(state.cache, candidates.rows, candidates.probabilities);
    }
    const scores = strategy.scorer.score(state, candidates, rng);
    const picks = strategy.selector.select(state, candidates, scores);
    const commits = commitsOf(
      candidates,
      picks,
      strategy.scorer.isProbability ? scores : null,
      traits.maskId,
    );
    apply(state.canvas, commits);
    const edit = strategy.stop?.(state) ?? null;
    if (edit !== null) {
      apply(state.canvas, edit.commits);
      for (const { row, id } of edit.overwrites) state.canvas.ids[row] = id;
      state.stopped = true;
    }
    const isStuck = commits.length === 0 && state.stepInBlock >= state.quotas.length;
    const step = state.step++;
    state.stepInBlock++;
    const event: StepEvent = {
      type: "step",
      step,
      nfe: state.nfe,
      commits: edit === null ? commits : [...commits, ...edit.commits],
      remasks: [],
      overwrites: edit?.overwrites ?? [],
      inserts: [],
      deletes: [],
      masksLeft: countMasks(state.canvas),
    };
    recordEdits(state.cache, event);
    yield event;
    if (isStuck) return "stuck";
  }
  return "eos";
}

/** Masked rows up to the end of the open block; leftovers of earlier blocks are included. */
function eligibleRows(state: DecodeState): Int32Array {
  return state.targets.subarray(0, state.block.end).filter((row) => state.canvas.kinds[row] === MASKED);
}

function openBlock(strategy: Strategy, state: DecodeState): boolean {
  const block = strategy.blocks(state);
  if (block === null) return false;
  state.block = block;
  state.stepInBlock = 0;
  let masks = 0;
  for (let i = block.start; i < block.end; i++) {
    if (state.canvas.kinds[state.targets[i]!] === MASKED) masks++;
  }
  state.quotas = strategy.selector.plan(state, masks);
  return true;
}

function forwardRequest(
  strategy: Strategy,
  traits: ModelTraits,
  state: DecodeState,
  eligible: Int32Array,
  rng: Rng,
): ForwardRequest {
  const { canvas, targets, block, stepInBlock } = state;
  const { kv, rows } = planForward(strategy.cache, {
    memory: state.cache,
    ids: canvas.ids,
    maskId: traits.maskId,
    promptLen: canvas.promptLen,
    attention: traits.attention,
    shift: traits.logitsShift ?? 0,
    targets,
    blockRows: targets.subarray(block.start, block.end),
    eligible,
    stepInBlock,
  });
  const noise = strategy.sampler.noise(state, rng);
  const guided = strategy.guidance.kind === "cfg";
  return {
    canvases: guided ? [canvas.ids.slice(), unconditional(canvas, traits.maskId)] : [canvas.ids.slice()],
    rows,
    attention: traits.attention,
    guidance: strategy.guidance,
    signals: {
      topK: 1,
      entropy: false,
      current: false,
      probe: [],
      ...(noise === undefined ? {} : { noise }),
    },
    suppress: traits.suppress,
    kv,
    promptLen: canvas.promptLen,
  };
}

/** The canvas with everything that was given masked (LLaDA's unsupervised classifier-free guidance). */
function unconditional(canvas: Canvas, maskId: number): Int32Array {
  return canvas.ids.map((id, row) => (canvas.kinds[row] === GIVEN ? maskId : id));
}

/** Picked candidates as commits, by ascending row. A candidate that is the mask itself changes nothing. */
function commitsOf(
  candidates: Candidates,
  picks: readonly Pick[],
  confidence: Float64Array | null,
  maskId: number,
): Commit[] {
  return picks
    .filter(({ index }) => candidates.ids[index] !== maskId)
    .toSorted((a, b) => a.index - b.index)
    .map(({ index, reason }) => ({
      row: candidates.rows[index]!,
      id: candidates.ids[index]!,
      conf: confidence?.[index] ?? null,
      reason,
    }));
}

function apply(canvas: Canvas, commits: readonly Commit[]): void {
  for (const { row, id } of commits) {
    canvas.ids[row] = id;
    canvas.kinds[row] = FILLED;
  }
}
