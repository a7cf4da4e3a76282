import type * as v from "valibot";
import { UnmaskError } from "../../src/core/errors.ts";
import type { GenerateEvent } from "../../src/core/events.ts";
import type { Job } from "../../src/core/job.ts";
import type { JobModel } from "../../src/engine/run/open-run.ts";
import { type RunControl, runJob } from "../../src/engine/run/run-job.ts";
import type { Journal } from "./journal.ts";
import type { Progress } from "./progress.ts";

/** What every measurement works with. */
export interface Lab {
  readonly model: JobModel;
  /** See identity.ts. */
  readonly identity: readonly string[];
  readonly journal: Journal;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Processor seconds that forwards from memory would have taken so far. */
  readonly spared: () => number;
}

/** A piece of work whose result is kept: doing it again gives the same. */
export interface Unit<T> {
  /** With the identity of the lab, names the result in the journal. */
  readonly key: readonly string[];
  readonly label: string;
  /** Rows of all forwards, about. */
  readonly cost: number;
  readonly schema: v.GenericSchema<unknown, T>;
  run(lab: Lab): Promise<T>;
}

/**
 * The results of all units, in order; those of the journal are taken from there.
 *
 * @param isOver asked before each unit that the journal does not have: true leaves it out
 */
export async function runUnits<T>(
  units: readonly Unit<T>[],
  lab: Lab,
  isOver: () => boolean = () => false,
): Promise<T[]> {
  const results: T[] = [];
  for (const { key, label, cost, schema, run } of units) {
    if (lab.signal.aborted) {
      throw new UnmaskError("aborted", "Stopped; the same command goes on from here.");
    }
    lab.progress.begin(label);
    const full = [...lab.identity, ...key];
    const stored = lab.journal.find(full, schema);
    if (stored === undefined && isOver()) continue;
    const result = stored ?? (await run(lab));
    if (stored === undefined) lab.journal.store(full, result);
    lab.progress.done(cost, stored === undefined);
    results.push(result);
  }
  return results;
}

export function totalCost(units: readonly Unit<unknown>[]): number {
  return units.reduce((sum, { cost }) => sum + cost, 0);
}

type Done = Extract<GenerateEvent, { type: "done" }>;

/**
 * Runs a job to its end.
 *
 * @param asked what the caller brings beside the model
 * @throws UnmaskError `aborted` when it was stopped
 */
export async function runToEnd(
  job: Job,
  { model, signal }: Pick<Lab, "model" | "signal">,
  asked: Pick<RunControl, "companion"> = {},
): Promise<Done> {
  const control = { stop: () => signal.aborted, now: () => performance.now(), ...asked };
  let done: Done | undefined;
  for await (const event of runJob(job, model, control)) if (event.type === "done") done = event;
  if (done === undefined) throw new UnmaskError("internal", "The engine ended without a result.");
  if (done.reason === "aborted") {
    throw new UnmaskError("aborted", "Stopped; the same command goes on from here.");
  }
  return done;
}
