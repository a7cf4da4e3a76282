import type { Job } from "../../core/job.ts";
import type { Denoiser, Span, Tokenizer } from "../../core/types.ts";
import { startState } from "../../strategies/decode.ts";
import type { DecodeState, Strategy } from "../../strategies/strategy.ts";
import { constrainedSizes, type GapLayout, type GapProbe, probeGaps } from "../ask/free-gaps.ts";
import { spacesBefore } from "../ask/gaps.ts";
import type { ModelFacts } from "../ask/model-facts.ts";
import { buildPrompt, type Prompt, promptCanvas } from "../ask/prompt.ts";
import { type GeneratePlan, planGeneration } from "../plan/plan.ts";
import { applyDraft } from "./apply-draft.ts";
import { compileForGaps, constrain, type GapConstraint } from "./constraint.ts";
import type { RunControl } from "./run-job.ts";
import { createTextJudge, type TextJudge, type TextSetting } from "./text-judge.ts";

/** An opened model as the engine sees it. */
export interface JobModel {
  readonly denoiser: Denoiser;
  readonly tokenizer: Tokenizer;
  readonly manifest: ModelFacts;
}

/** A job that is ready for its first denoise step. */
export interface OpenRun {
  readonly plan: GeneratePlan;
  readonly strategy: Strategy;
  readonly state: DecodeState;
  /** Rows to be filled: one range for a continuation, one a gap for an infill. */
  readonly gaps: readonly Span[];
  /** What finding the length of free gaps changed: cells of the canvas before and after. */
  readonly resized: { readonly from: number; readonly to: number } | null;
  /** Answers what a search asks about texts. */
  readonly judge: TextJudge;
  /** What is given of a canvas, and what was to be filled: a continuation may have changed its length. */
  readonly layout: TextSetting["layout"];
}

/**
 * Text and options into a canvas and a strategy. Gaps of free length cost forwards, which count in the state; everything
 * is refused before the first of them.
 *
 * @throws UnmaskError for options and prompts that cannot run
 */
export async function openRun(job: Job, model: JobModel, control: RunControl): Promise<OpenRun> {
  const { tokenizer, manifest } = model;
  const facts = { ...manifest, delimiters: delimiterIds(tokenizer) };
  const first = buildPrompt(job, tokenizer, manifest);
  const early = planFor(job, facts, first, control);
  let prompt = first;
  const layout: TextSetting["layout"] = ({ ids, slots }) => ({
    parts: prompt.parts,
    gaps:
      job.kind === "generate"
        ? [{ start: prompt.ids.length, end: ids.length }]
        : prompt.gaps.map(({ start, end }) => ({ start: rowOf(slots, start), end: rowOf(slots, end) })),
  });
  const judge = judgeFor(job, model, early, layout, spacesBefore(first.parts), control);
  const constraint = compiledConstraint(job, model, early, first);
  const probe = first.free.length === 0 ? null : await probeSizes(job, model, early, first, control);
  if (probe !== null) {
    prompt = buildPrompt(job, tokenizer, manifest, fittingSizes(probe.sizes, first, constraint, manifest));
  }
  const plan = probe === null ? early : planFor(job, facts, prompt, control);
  const blank = promptCanvas(prompt, plan.recipe.length, plan.traits.maskId);
  const { gaps } = layout(blank);
  const { init } = plan.recipe;
  const hints = init && (await applyDraft(init, prompt, blank, tokenizer, control, plan.seed));
  const { strategy, canvas } =
    constraint === null
      ? { strategy: plan.strategy, canvas: blank }
      : constrain(constraint, plan.strategy, blank, gaps, plan.traits, plan.recipe.constraint?.path);
  const state = startState(canvas);
  state.nfe = probe?.nfe ?? 0;
  state.branchNfe = state.nfe;
  state.rows = probe?.rows ?? 0;
  const resized = probe === null ? null : { from: first.ids.length, to: prompt.ids.length };
  return {
    plan,
    strategy: hints === undefined ? strategy : { ...strategy, hints },
    ...{ state, gaps, resized, judge, layout },
  };
}

/** Where the cell now stands that stood in `row` at first; the end of the canvas for what was behind it. */
function rowOf(slots: Int32Array, row: number): number {
  const now = slots.indexOf(row);
  return now < 0 ? slots.length : now;
}

function planFor(
  job: Job,
  facts: ModelFacts,
  { ids, gaps, free }: Prompt,
  { score, companion }: RunControl,
): GeneratePlan {
  return planGeneration(
    job.options,
    facts,
    job.kind === "generate"
      ? { kind: "generate", promptCells: ids.length }
      : {
          kind: "infill",
          gapCells: gaps.reduce((sum, gap) => sum + gap.end - gap.start, 0),
          free,
          cells: ids.length,
        },
    { hasScore: score !== undefined, hasCompanion: companion !== undefined },
  );
}

/** A run without a search asks nothing. */
function judgeFor(
  job: Job,
  { tokenizer, manifest }: JobModel,
  { search, traits }: GeneratePlan,
  layout: TextSetting["layout"],
  spaces: readonly boolean[],
  { score }: RunControl,
): TextJudge {
  if (search === undefined) return { score: async () => [], read: () => [] };
  const { tokens } = manifest;
  return createTextJudge(search, {
    kind: job.kind,
    tokenizer,
    tokens,
    traits,
    layout,
    spaces,
    custom: score,
  });
}

function probeSizes(
  job: Job,
  { denoiser, tokenizer, manifest }: JobModel,
  { traits }: GeneratePlan,
  first: Prompt,
  control: RunControl,
): Promise<GapProbe> {
  const lay = (sizes: readonly number[]): GapLayout => {
    const { ids, free, gaps } = buildPrompt(job, tokenizer, manifest, sizes);
    return { ids: Int32Array.from(ids), free, promptLen: gaps[0]?.start ?? ids.length };
  };
  return probeGaps(first.free.length, denoiser, {
    traits,
    endings: manifest.tokens.pad === undefined ? [] : [manifest.tokens.pad, ...manifest.tokens.eos],
    maxCanvas: manifest.maxCanvas,
    lay,
    stop: () => control.stop(),
  });
}

function compiledConstraint(
  job: Job,
  { tokenizer, manifest }: JobModel,
  { recipe, traits }: GeneratePlan,
  { parts }: Prompt,
): GapConstraint | null {
  if (recipe.constraint === undefined) return null;
  const { eos, pad } = manifest.tokens;
  // A text may end early; a gap is filled to its last cell.
  const endIds = job.kind === "infill" ? [] : [...eos, ...(pad === undefined ? [] : [pad])];
  return compileForGaps(recipe.constraint, tokenizer, traits, endIds, spacesBefore(parts));
}

/** Sizes of the free gaps that a constraint can fill, as near as it goes to those that the model wants. */
function fittingSizes(
  sizes: readonly number[],
  { ids, gaps, free }: Prompt,
  constraint: GapConstraint | null,
  { maxCanvas }: ModelFacts,
): readonly number[] {
  if (constraint === null) return sizes;
  const room = maxCanvas - free.reduce((cells, { start, end }) => cells - (end - start), ids.length);
  return constrainedSizes(sizes, room, (gap, most) => constraint.of(gaps.indexOf(free[gap]!)).lengths(most));
}

/** The token that ends a line, where it is one. */
function delimiterIds(tokenizer: Tokenizer): readonly number[] {
  const ids = tokenizer.encode("\n");
  return ids.length === 1 ? [ids[0]!] : [];
}
