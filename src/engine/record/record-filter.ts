import type { Job, JobControl } from "../../core/job.ts";
import { decode } from "../../strategies/decode.ts";
import { type FilterExample, greedyOracle } from "../../strategies/fit/greedy-oracle.ts";
import { seededRng } from "../../strategies/rng.ts";
import { type JobModel, openRun } from "../run/open-run.ts";
import { drive } from "./drive.ts";

export interface RecordOptions {
  readonly block: number;
  /** Cells to fill after each prompt. */
  readonly length: number;
  /** Called when a text is done. */
  onText?(texts: number, examples: number): void;
}

/**
 * Examples for the filter of Learn2PD from a model's own texts: each prompt is written twice, first one token a step
 * (LLaDA, greedy), then by the greedy oracle that knows how it ends. Pure: it runs in Node and in a worker alike.
 *
 * @param jobs continuations; their recipes are not looked at
 * @throws UnmaskError `aborted`, and what cannot run
 */
export async function recordExamples(
  jobs: readonly Job[],
  model: JobModel,
  control: JobControl,
  { block, length, onText }: RecordOptions,
): Promise<FilterExample[]> {
  const examples: FilterExample[] = [];
  for (const [run, job] of jobs.entries()) {
    const recipe = { preset: "llada", block, length, temperature: 0 };
    const slow = { ...job, options: { ...job.options, recipe } };
    const { plan, strategy, state } = await openRun(slow, model, control);
    const again = await openRun(slow, model, control);
    const rng = seededRng(plan.seed);
    await drive(decode(strategy, plan.traits, state, rng), model.denoiser, control.stop);
    const oracle = greedyOracle(state.canvas.ids, (example) => examples.push({ run, ...example }));
    await drive(
      decode({ ...strategy, ...oracle }, plan.traits, again.state, rng),
      model.denoiser,
      control.stop,
    );
    onText?.(run + 1, examples.length);
  }
  return examples;
}
