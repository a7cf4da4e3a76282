import { UnmaskError } from "../core/errors.ts";
import type { DoneReason, GenerateEvent } from "../core/events.ts";
import type { Job, JobControl } from "../core/job.ts";
import type { Denoiser, ForwardRequest, RowStats, Span, Tokenizer } from "../core/types.ts";
import { type Canvas, FILLED } from "../strategies/canvas.ts";
import { decode, startState } from "../strategies/decode.ts";
import { seededRng } from "../strategies/rng.ts";
import type { DecodeState } from "../strategies/strategy.ts";
import { constrain } from "./constraint.ts";
import { type GapLayout, probeGaps } from "./free-gaps.ts";
import { draftBehind } from "./gaps.ts";
import { PieceBook } from "./pieces.ts";
import { type GeneratePlan, type ModelFacts, planGeneration } from "./plan.ts";
import { buildPrompt, type Prompt, promptCanvas } from "./prompt.ts";
import { readResult } from "./result.ts";

/** An opened model as the engine sees it. */
export interface JobModel {
  readonly denoiser: Denoiser;
  readonly tokenizer: Tokenizer;
  readonly manifest: ModelFacts;
}

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
  const facts = { ...manifest, delimiters: delimiterIds(tokenizer) };
  const first = buildPrompt(job, tokenizer, manifest);
  // Options are refused before anything is computed.
  const probe =
    first.free.length === 0
      ? null
      : await probeGaps(first.free.length, denoiser, {
          traits: planFor(job, facts, first).traits,
          endings: manifest.tokens.pad === undefined ? [] : [manifest.tokens.pad, ...manifest.tokens.eos],
          maxCanvas: manifest.maxCanvas,
          lay: (sizes) => layout(buildPrompt(job, tokenizer, manifest, sizes)),
          stop: () => control.stop(),
        });
  const prompt = probe === null ? first : buildPrompt(job, tokenizer, manifest, probe.sizes);
  const plan = planFor(job, facts, prompt);
  const blank = promptCanvas(prompt, plan.recipe.length, plan.traits.maskId);
  const gaps = prompt.gaps.length > 0 ? prompt.gaps : [{ start: prompt.ids.length, end: blank.ids.length }];
  const { init } = plan.recipe;
  if (init !== undefined) placeDraft(blank, prompt, init.draft, tokenizer);
  const { strategy, canvas } =
    plan.recipe.constraint === undefined
      ? { strategy: plan.strategy, canvas: blank }
      : constrain(
          plan.recipe.constraint,
          plan.strategy,
          blank,
          gaps,
          tokenizer,
          plan.traits,
          endIds(job, manifest),
        );
  const state = startState(canvas);
  state.nfe = probe?.nfe ?? 0;
  state.rows = probe?.rows ?? 0;
  const book = new PieceBook(tokenizer);
  // A continuation may have changed its length.
  const filledGaps = (): readonly Span[] =>
    job.kind === "generate" ? [{ start: prompt.ids.length, end: state.canvas.ids.length }] : gaps;

  yield {
    type: "start",
    canvas: Array.from(canvas.ids),
    maskId: plan.traits.maskId,
    promptLen: canvas.promptLen,
    gaps: gaps.map(({ start, end }): [number, number] => [start, end]),
    recipe: plan.recipe,
    seed: plan.seed,
    ...book.firstSeen(canvas.ids),
  };
  if (probe !== null) {
    yield {
      type: "length",
      step: 0,
      from: first.ids.length,
      to: prompt.ids.length,
      why: "gap of free length",
    };
  }
  const done = (reason: DoneReason): GenerateEvent => ({
    type: "done",
    reason,
    nfe: state.nfe,
    rows: state.rows,
    steps: state.step,
    ...readResult(state.canvas, filledGaps(), prompt.parts, job.kind, tokenizer, manifest.tokens),
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

function planFor(job: Job, facts: ModelFacts, { ids, gaps }: Prompt): GeneratePlan {
  return planGeneration(
    job.options,
    facts,
    job.kind === "generate"
      ? { kind: "generate", promptCells: ids.length }
      : { kind: "infill", gapCells: gaps.reduce((sum, gap) => sum + gap.end - gap.start, 0) },
  );
}

/** Puts the tokens of a draft behind the prompt, as far as there are cells. */
function placeDraft(canvas: Canvas, { ids, parts }: Prompt, draft: string, tokenizer: Tokenizer): void {
  const [prompt] = parts;
  const text = prompt?.kind === "text" ? draftBehind(prompt.text, draft) : draft;
  const cells = canvas.ids.length - ids.length;
  for (const [i, id] of tokenizer.encode(text).subarray(0, cells).entries()) {
    canvas.ids[ids.length + i] = id;
    canvas.kinds[ids.length + i] = FILLED;
  }
}

function layout({ ids, free, gaps }: Prompt): GapLayout {
  return { ids: Int32Array.from(ids), free, promptLen: gaps[0]?.start ?? ids.length };
}

/** What may stand behind a text that ends early; a gap is filled to its last cell. */
function endIds(job: Job, { tokens }: ModelFacts): readonly number[] {
  if (job.kind === "infill") return [];
  return [...tokens.eos, ...(tokens.pad === undefined ? [] : [tokens.pad])];
}

/** Tokens that end a sentence or a line. */
function delimiterIds(tokenizer: Tokenizer): readonly number[] {
  return ["\n", "."].flatMap((text) => {
    const ids = tokenizer.encode(text);
    return ids.length === 1 ? [ids[0]!] : [];
  });
}

/** Everything stored before is dropped, and something is stored anew. */
function isRefresh({ kv }: ForwardRequest): boolean {
  return kv !== null && kv.readRows.length === 0 && kv.writeRows.length > 0;
}

/** The decoder counts a forward when it receives the answer, which is after this event. */
function forwardEvent(
  step: number,
  { canvases, kv }: ForwardRequest,
  state: DecodeState,
): Extract<GenerateEvent, { type: "forward" }> {
  const batch = canvases.length;
  return {
    type: "forward",
    step,
    nfe: state.nfe + 1,
    rows: batch * (kv?.queryRows.length ?? state.canvas.ids.length),
    kvRows: batch * (kv?.readRows.length ?? 0),
    batch,
  };
}
