import type { GenerateEvent } from "../../core/events.ts";
import type { Job } from "../../core/job.ts";
import { storeFilter } from "../../model/commit-filter.ts";
import { foldTrace } from "../record/trace.ts";
import type { JobModel } from "../run/open-run.ts";
import { runJob } from "../run/run-job.ts";
import { testModel } from "../run/scripted-model.ts";

/** Behind a prompt of five cells. */
export const REGION = { kind: "generate", promptCells: 5 } as const;
/** Commit filters that accept every cell. */
export const filters = [4, 32].map((size) => {
  const zeros = new Array<number>(size).fill(0);
  return storeFilter(
    { size, w1: [zeros], b1: [0], w2: zeros.map(() => [0]), b2: zeros.map(() => 4) },
    "int8",
  );
});

export type Done = Extract<GenerateEvent, { type: "done" }>;

/** A fast-dllm of 20 cells with more in its recipe, on the scripted model. */
export async function run(
  recipe: object,
  eosRate = 0,
  model: JobModel = testModel(eosRate),
  seed = 0,
): Promise<{ done: Done; masksLeft: number }> {
  const options = {
    seed,
    recipe: { preset: "fast-dllm", length: 20, block: 5, stop: { eos: false }, ...recipe },
  };
  const job: Job = { kind: "generate", prompt: "hello", options };
  const events: GenerateEvent[] = [];
  // The oracle throws when a plan reads what is not stored.
  for await (const event of runJob(job, model, { stop: () => false })) events.push(event);
  return { done: events.at(-1) as Done, masksLeft: foldTrace(events).at(-1)!.masksLeft };
}
