import type { Job, JobControl } from "../../core/job.ts";
import { type Canvas, GIVEN } from "../../strategies/canvas.ts";
import { decode } from "../../strategies/decode.ts";
import { type BlockTrace, recordingSelector, type SlowStep } from "../../strategies/fit/schedule.ts";
import { seededRng } from "../../strategies/rng.ts";
import { type JobModel, openRun } from "../run/open-run.ts";
import { drive } from "./drive.ts";

export interface ScheduleSizes {
  readonly block: number;
  /** Cells to fill after each prompt. */
  readonly length: number;
}

/** What the slow decoder wrote for a prompt, and what it knew on the way. */
export interface SlowText {
  readonly job: Job;
  readonly ids: Int32Array;
  readonly blocks: readonly BlockTrace[];
}

/** Writes each prompt one token a step (LLaDA, greedy). @throws UnmaskError `aborted`, and what cannot run */
export async function writeSlowly(
  jobs: readonly Job[],
  model: JobModel,
  control: JobControl,
  sizes: ScheduleSizes,
  onText: (texts: number) => void,
): Promise<SlowText[]> {
  const texts: SlowText[] = [];
  for (const job of jobs) {
    const blocks = new Map<number, SlowStep[]>();
    const canvas = await write(job, { preset: "llada" }, model, control, sizes, (block, step) => {
      blocks.set(block, [...(blocks.get(block) ?? []), step]);
    });
    texts.push({ job, ids: canvas.ids, blocks: [...blocks.values()] });
    onText(texts.length);
  }
  return texts;
}

/** Share of the cells that come out as the slow decoder wrote them when a table is played instead. */
export async function agreement(
  texts: readonly SlowText[],
  table: readonly number[],
  model: JobModel,
  control: JobControl,
  sizes: ScheduleSizes,
): Promise<number> {
  let same = 0;
  let cells = 0;
  for (const { job, ids } of texts) {
    const recipe = { preset: "quota-table", steps: [...table] };
    const canvas = await write(job, recipe, model, control, sizes);
    for (const [row, kind] of canvas.kinds.entries()) {
      if (kind === GIVEN) continue;
      cells++;
      if (canvas.ids[row] === ids[row]) same++;
    }
  }
  return cells === 0 ? 1 : same / cells;
}

async function write(
  job: Job,
  recipe: Readonly<Record<string, unknown>>,
  model: JobModel,
  control: JobControl,
  { block, length }: ScheduleSizes,
  record?: (block: number, step: SlowStep) => void,
): Promise<Canvas> {
  const options = { ...job.options, recipe: { ...recipe, block, length, temperature: 0 } };
  const { plan, strategy, state } = await openRun({ ...job, options }, model, control);
  const selector = record === undefined ? strategy.selector : recordingSelector(strategy.selector, record);
  const decoder = decode({ ...strategy, selector }, plan.traits, state, seededRng(plan.seed));
  await drive(decoder, model.denoiser, control.stop);
  return state.canvas;
}
