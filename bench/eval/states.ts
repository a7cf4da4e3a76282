import type { Job } from "../../src/core/job.ts";
import type { Denoiser, ForwardRequest } from "../../src/core/types.ts";
import { type Lab, runToEnd } from "../harness/lab.ts";

/** Shares of masked cells at which a trajectory is looked at: from nearly nothing written to nearly everything. */
export const RATIOS = [0.95, 0.8, 0.6, 0.4, 0.2, 0.05] as const;

/** A canvas on its way, as the decoder really meets it. */
export interface State {
  readonly ratio: number;
  readonly ids: readonly number[];
}

/** Runs a job and keeps the first canvas at or below each ratio of {@link RATIOS}. */
export async function recordStates(job: Job, lab: Pick<Lab, "model" | "signal">): Promise<State[]> {
  const states: State[] = [];
  let all = 0;
  const look = ({ canvases: [canvas] }: ForwardRequest) => {
    const masks = canvas!.reduce((sum, id) => sum + (id === lab.model.manifest.tokens.mask ? 1 : 0), 0);
    all ||= masks;
    for (
      let ratio = RATIOS[states.length];
      ratio !== undefined && masks <= ratio * all;
      ratio = RATIOS[states.length]
    ) {
      states.push({ ratio, ids: [...canvas!] });
    }
  };
  const { denoiser } = lab.model;
  const watched: Denoiser = {
    ...denoiser,
    forward: (request) => {
      look(request);
      return denoiser.forward(request);
    },
  };
  await runToEnd(job, { ...lab, model: { ...lab.model, denoiser: watched } });
  return states;
}
