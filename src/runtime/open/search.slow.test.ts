import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { GenerateEvent } from "../../core/events.ts";
import type { Job } from "../../core/job.ts";
import type { ForwardRequest } from "../../core/types.ts";
import { type RunControl, runJob } from "../../engine/run/run-job.ts";
import { nodePlatform } from "../platform/platform-node.ts";
import { loadModel } from "./load-model.ts";

const MODEL = fileURLToPath(new URL("../../../public/models/default", import.meta.url));

test("draws of a step that share their logits are those of forwards of their own, on a real model", async () => {
  const model = await loadModel(nodePlatform(), MODEL, {}, () => {}, new AbortController().signal);
  const { denoiser } = model;
  const search = { method: "svdd", n: 4 };
  const options = { recipe: { preset: "llada", length: 8, temperature: 1, search }, seed: 5 };
  const job: Job = { kind: "generate", prompt: "Once upon a time", options };
  const score: RunControl["score"] = async (candidates) => candidates.map(({ text }) => text.length);
  const run = async (forward: (request: ForwardRequest) => ReturnType<typeof denoiser.forward>) => {
    let last: GenerateEvent | undefined;
    const began = performance.now();
    const events = runJob(
      job,
      { ...model, denoiser: { ...denoiser, forward } },
      { stop: () => false, score },
    );
    for await (last of events);
    if (last?.type !== "done") throw new Error("no done event");
    return { done: last, ms: performance.now() - began };
  };
  try {
    const alone = await run(({ repeats: _, ...request }) => denoiser.forward(request));
    const shared = await run((request) => denoiser.forward(request));
    expect(shared.done).toEqual(alone.done);
    expect(shared.done.nfe).toBe(8);
    expect(shared.ms).toBeLessThan(0.7 * alone.ms);
  } finally {
    await denoiser.dispose();
  }
});
