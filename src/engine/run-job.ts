import { UnmaskError } from "../core/errors.ts";
import type { DoneReason, GenerateEvent } from "../core/events.ts";
import type { Job, JobControl } from "../core/job.ts";
import type { ForwardRequest, RowStats, Span } from "../core/types.ts";
import type { Canvas } from "../strategies/canvas.ts";
import { decode } from "../strategies/decode.ts";
import { seededRng } from "../strategies/rng.ts";
import type { DecodeState } from "../strategies/strategy.ts";
import { createTrajectory, DOUBTFUL, type Trajectory } from "../strategies/trajectory.ts";
import { type JobModel, openRun } from "./open-run.ts";
import { PieceBook } from "./pieces.ts";
import { readResult } from "./result.ts";

/** {@link JobControl} plus a clock in milliseconds: the engine has none of its own. Without it events carry no `ms`. */
export interface RunControl extends JobControl {
  now?(): number;
}

/**
 * Runs one job from text to text. The first event is `start`, the last is `done`; failures reject the iteration.
 * `control` is asked before each forward, so a stop costs at most the step that is running.
 *
 * @throws UnmaskError for options and prompts that cannot run, and whatever the denoiser rejects with
 */
export async function* runJob(job: Job, model: JobModel, control: RunControl): AsyncGenerator<GenerateEvent> {
  const { denoiser, tokenizer, manifest } = model;
  const began = control.now?.() ?? 0;
  const clock = (): { ms?: number } => (control.now === undefined ? {} : { ms: control.now() - began });
  const { plan, prompt, strategy, state, gaps, resized } = await openRun(job, model, control);
  const book = new PieceBook(tokenizer);
  const trajectory = createTrajectory();
  // A continuation may have changed its length.
  const filledGaps = (): readonly Span[] =>
    job.kind === "generate" ? [{ start: prompt.ids.length, end: state.canvas.ids.length }] : gaps;

  yield {
    type: "start",
    canvas: Array.from(state.canvas.ids),
    maskId: plan.traits.maskId,
    promptLen: state.canvas.promptLen,
    gaps: gaps.map(({ start, end }): [number, number] => [start, end]),
    recipe: plan.recipe,
    seed: plan.seed,
    ...book.firstSeen(state.canvas.ids),
  };
  if (resized !== null) yield { type: "length", step: 0, ...resized, why: "gap of free length" };
  const done = (reason: DoneReason): GenerateEvent => ({
    type: "done",
    reason,
    nfe: state.nfe,
    rows: state.rows,
    branchNfe: state.branchNfe,
    steps: state.step,
    ...readResult(state.canvas, filledGaps(), prompt.parts, job.kind, tokenizer, manifest.tokens),
    ...doubtsOf(trajectory, state.canvas),
    ...clock(),
  });

  const decoder = decode(strategy, plan.traits, state, seededRng(plan.seed));
  let turn = decoder.next();
  while (turn.done !== true) {
    const output = turn.value;
    if (output.type === "request") {
      await control.gate?.();
      if (control.stop()) {
        yield done("aborted");
        return;
      }
      const stats = await denoiser.forward(output.request);
      trajectory.observe(state.canvas.slots, stats);
      yield { ...forwardEvent(output.step, output.request, state), ...clock() };
      if (isRefresh(output.request)) {
        yield { type: "cache", step: output.step, scope: "all", why: "refresh" };
      }
      turn = decoder.next(stats satisfies RowStats);
    } else if (output.type === "length") {
      yield output;
      turn = decoder.next(undefined);
    } else {
      const ids = [...output.commits, ...output.overwrites].map(({ id }) => id);
      yield { ...output, ...book.firstSeen(ids), ...clock() };
      turn = decoder.next(undefined);
    }
  }
  if (turn.value === "stuck") {
    throw new UnmaskError("internal", "The decoder cannot make progress: the model only predicts masks.");
  }
  yield done(turn.value);
}

/** What the trajectory says against the result; nothing where no cell was looked at often enough. */
function doubtsOf(
  trajectory: Trajectory,
  canvas: Canvas,
): Pick<Extract<GenerateEvent, { type: "done" }>, "doubts" | "instability"> {
  const all = trajectory.judge(canvas);
  if (all.length === 0) return {};
  const doubts = all.filter(({ osc }) => osc >= DOUBTFUL);
  const instability = all.reduce((sum, { osc }) => sum + osc, 0) / all.length;
  return { instability, ...(doubts.length === 0 ? {} : { doubts }) };
}

/** Everything stored before is dropped, and something is stored anew. */
function isRefresh({ kv }: ForwardRequest): boolean {
  return kv !== null && kv.readRows.length === 0 && kv.writeRows.length > 0;
}

/** The decoder counts a forward when it receives the answer, which is after this event. */
function forwardEvent(
  step: number,
  { canvases, kv, repeats }: ForwardRequest,
  state: DecodeState,
): Extract<GenerateEvent, { type: "forward" }> {
  const batch = canvases.length;
  return {
    type: "forward",
    step,
    nfe: state.nfe + (repeats === true ? 0 : 1),
    rows: batch * (kv?.queryRows.length ?? state.canvas.ids.length),
    kvRows: batch * (kv?.readRows.length ?? 0),
    batch,
  };
}
