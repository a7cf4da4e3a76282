import { UnmaskError } from "../../core/errors.ts";
import type { Job } from "../../core/job.ts";
import type { Denoiser, ForwardRequest } from "../../core/types.ts";
import type { JobModel } from "../run/open-run.ts";
import { runJob } from "../run/run-job.ts";

/** Shares of masked cells at which a trajectory is looked at: from nearly nothing written to nearly everything. */
export const RATIOS = [0.95, 0.8, 0.6, 0.4, 0.2, 0.05] as const;

/** A canvas on its way, as the decoder really meets it. */
export interface State {
  readonly ratio: number;
  readonly ids: readonly number[];
}

/**
 * Runs a job and keeps the first canvas at or below each ratio of {@link RATIOS}.
 *
 * @throws UnmaskError `aborted` when `stop` ended it, and what the job fails with
 */
export async function recordStates(job: Job, model: JobModel, stop: () => boolean): Promise<State[]> {
  const states: State[] = [];
  let all = 0;
  const look = ({ canvases: [canvas] }: ForwardRequest) => {
    const masks = canvas!.reduce((sum, id) => sum + (id === model.manifest.tokens.mask ? 1 : 0), 0);
    all ||= masks;
    for (
      let ratio = RATIOS[states.length];
      ratio !== undefined && masks <= ratio * all;
      ratio = RATIOS[states.length]
    ) {
      states.push({ ratio, ids: [...canvas!] });
    }
  };
  const { denoiser } = model;
  const watched: Denoiser = {
    ...denoiser,
    forward: (request) => {
      look(request);
      return denoiser.forward(request);
    },
  };
  for await (const event of runJob(job, { ...model, denoiser: watched }, { stop })) {
    if (event.type === "done" && event.reason === "aborted") {
      throw new UnmaskError("aborted", "Stopped; the same command goes on from here.");
    }
  }
  return states;
}
