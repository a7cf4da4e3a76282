import type { Companion } from "../../core/companion.ts";
import { isUnmaskError } from "../../core/errors.ts";
import type { DoneReason, GenerateEvent } from "../../core/events.ts";
import type { Job, JobControl } from "../../core/job.ts";
import type { Denoiser, ForwardRequest, RowStats } from "../../core/types.ts";
import { runSearch } from "../../search/search.ts";
import { openSession } from "../../search/session.ts";
import type { SearchTally } from "../../search/texts.ts";
import type { Canvas } from "../../strategies/canvas.ts";
import { watchDoubts } from "../../strategies/pieces/doubts.ts";
import { seededRng } from "../../strategies/rng.ts";
import { withCompanion } from "./companion.ts";
import { lanesOf } from "./lanes.ts";
import { type JobModel, openRun } from "./open-run.ts";
import { PieceBook } from "./pieces.ts";
import { type Result, readResult } from "./result.ts";
import { doubtsOf, forwardEvents, isRefresh, reportOf } from "./run-events.ts";
import { createStepClock } from "./step-clock.ts";
import type { ScoreTexts } from "./text-judge.ts";

/** {@link JobControl} plus what the engine has none of: a clock in milliseconds and functions of the caller. */
export interface RunControl extends JobControl {
  /** Without it events carry no `ms`. */
  now?(): number;
  /** The score of a search, see `custom` in the recipe. */
  readonly score?: ScoreTexts;
  /** A small autoregressive model that reads along. */
  readonly companion?: Companion;
}

/**
 * Runs one job from text to text. The first event is `start`, the last is `done`; failures reject the iteration.
 * `control` is asked before each forward, so a stop costs at most the step that is running.
 *
 * What happened in a step is told while the next forward runs: whoever listens never delays it. Where a forward would
 * take the thread, or the job is held, it is told before.
 *
 * @throws UnmaskError for options and prompts that cannot run, and whatever the denoiser rejects with
 */
export async function* runJob(job: Job, model: JobModel, control: RunControl): AsyncGenerator<GenerateEvent> {
  const { tokenizer, manifest } = model;
  const { companion } = control;
  const denoiser = companion === undefined ? model.denoiser : withCompanion(model.denoiser, companion);
  const began = control.now?.() ?? 0;
  const clock = (): { ms?: number } => (control.now === undefined ? {} : { ms: control.now() - began });
  const { plan, strategy, state, gaps, resized, judge, layout } = await openRun(job, model, control);
  const { traits, seed } = plan;
  const { eos, pad } = manifest.tokens;
  const blank = pad === undefined ? eos : [...eos, pad];
  const { lanes, ...alone } = lanesOf(plan, denoiser, state.canvas.ids.length);
  const session = openSession({ strategy, traits, seed, blank, start: state, rngOf: seededRng }, lanes);
  const book = new PieceBook(tokenizer);
  // The looks of several texts would mix.
  const watch = plan.search === undefined || plan.search.method === "vote" ? watchDoubts() : null;

  yield {
    type: "start",
    canvas: Array.from(state.canvas.ids),
    maskId: traits.maskId,
    promptLen: state.canvas.promptLen,
    gaps: gaps.map(({ start, end }): [number, number] => [start, end]),
    recipe: plan.recipe,
    seed,
    ...book.firstSeen(state.canvas.ids),
  };
  if (resized !== null) yield { type: "length", step: 0, ...resized, why: "gap of free length" };
  const read = (canvas: Canvas): Result => {
    const { gaps: filled, parts } = layout(canvas);
    return readResult(canvas, filled, parts, job.kind, tokenizer, manifest.tokens);
  };
  const done = (reason: DoneReason, tally: SearchTally | null): GenerateEvent => ({
    type: "done",
    reason,
    nfe: session.nfe,
    rows: session.rows,
    branchNfe: session.branchNfe,
    steps: session.step,
    ...read(session.shown),
    ...(watch === null ? {} : doubtsOf(watch, session.shown)),
    ...(tally === null ? {} : { search: reportOf(tally, read) }),
    ...clock(),
  });

  const steps = createStepClock(control.now);
  const search = runSearch(plan.search, session);
  /** What happened and has not been told. */
  let untold: (() => GenerateEvent)[] = [];
  const tell = function* (): Generator<GenerateEvent, void> {
    const events = untold;
    untold = [];
    for (const event of events) yield event();
  };
  let untoldReason = alone.apart;
  let running: Promise<readonly RowStats[]> | undefined;
  try {
    let turn = search.next();
    while (turn.done !== true) {
      const output = turn.value;
      switch (output.type) {
        case "request":
        case "requests": {
          const asked =
            output.type === "requests"
              ? output.requests
              : [{ candidate: session.candidate, request: output.request }];
          steps.lap("decide");
          const isHeld = control.gate !== undefined && control.held?.() !== false;
          if (isHeld || denoiser.blocks === true) yield* tell();
          steps.lap("display");
          await control.gate?.();
          steps.skip();
          if (control.stop()) {
            yield* tell();
            yield done("aborted", null);
            return;
          }
          running = answerAll(
            denoiser,
            asked.map(({ request }) => request),
          );
          // Its failure is met below, after what happened before it has been told.
          running.catch(() => {});
          yield* tell();
          const answers = await running;
          running = undefined;
          const first = answers[0]!; // as many answers as requests
          steps.forward(first.time);
          watch?.observe(session.shown.slots, first);
          // Said once, with the first forward.
          const told = untoldReason;
          untoldReason = undefined;
          for (const [i, event] of forwardEvents(output.step, asked, answers, session, told).entries()) {
            const stamped = { ...event, ...clock() };
            untold.push(() => stamped);
            if (isRefresh(asked[i]!.request)) {
              untold.push(() => ({ type: "cache", step: output.step, scope: "all", why: "refresh" }));
            }
          }
          turn = search.next(output.type === "requests" ? answers : first);
          break;
        }
        case "score": {
          yield* tell();
          let scores: readonly number[];
          try {
            scores = await judge.score(output.canvases);
          } catch (error) {
            if (!control.stop() && !(isUnmaskError(error) && error.code === "aborted")) throw error;
            yield done("aborted", null);
            return;
          }
          steps.skip();
          turn = search.next(scores);
          break;
        }
        case "read":
          turn = search.next(judge.read(output.canvases));
          break;
        case "length":
          untold.push(() => output);
          turn = search.next(undefined);
          break;
        default: {
          steps.lap("decide");
          const stamp = { ...clock(), ...steps.take() };
          untold.push(() => {
            const ids = [...output.commits, ...output.overwrites].map(({ id }) => id);
            return { ...output, ...book.firstSeen(ids), ...stamp };
          });
          turn = search.next(undefined);
        }
      }
    }
    yield* tell();
    yield done(turn.value.reason, turn.value.report);
  } finally {
    // Whoever leaves in the middle may close the model next.
    await running?.catch(() => {});
  }
}

async function answerAll(
  denoiser: Denoiser,
  requests: readonly ForwardRequest[],
): Promise<readonly RowStats[]> {
  const [only] = requests;
  if (requests.length === 1) return [await denoiser.forward(only!)];
  return denoiser.forwardAll!(requests); // several texts are written side by side only where it is there
}
