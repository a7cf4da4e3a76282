import { expect, test } from "vitest";
import type { Denoiser, ForwardRequest, RowStats } from "../../core/types.ts";
import { storeFilter } from "../../model/commit-filter.ts";
import { PRESET_NAMES } from "../../strategies/recipe/presets.ts";
import type { JobModel } from "./open-run.ts";
import { runJob } from "./run-job.ts";
import { FACTS, testModel } from "./scripted-model.ts";

/** Row statistics belong to the denoiser and are valid until its next forward: nobody may look at them later. */

const zeros = new Array<number>(6).fill(0);
const FILTER = storeFilter(
  { size: 6, w1: [zeros], b1: [0], w2: zeros.map(() => [0]), b2: zeros.map(() => 4) },
  "int8",
);

/** @param spoils overwrites every answer when the next forward begins */
function modelOf(spoils: boolean, eosRate: number): JobModel {
  const { denoiser, ...model } = testModel(eosRate);
  let lent: readonly RowStats[] = [];
  const forwardAll = async (requests: readonly ForwardRequest[]): Promise<readonly RowStats[]> => {
    if (spoils) lent.forEach(spoil);
    lent = await Promise.all(
      requests.map(async (request) => {
        const { rows, ...stats } = await denoiser.forward(request);
        return { ...structuredClone(stats), rows };
      }),
    );
    return lent;
  };
  const forward: Denoiser["forward"] = async (request) => (await forwardAll([request]))[0]!;
  return {
    ...model,
    manifest: { ...FACTS, filters: [FILTER] },
    denoiser: { ...denoiser, batchRows: 96, forward, forwardAll },
  };
}

function spoil({ rows: _rows, drafts = [], ...stats }: RowStats): void {
  for (const values of Object.values(stats)) {
    if (values instanceof Float32Array || values instanceof Float64Array) values.fill(Number.NaN);
    if (values instanceof Int32Array) values.fill(0);
  }
  drafts.forEach(spoil);
}

async function eventsOf(recipe: object, model: JobModel): Promise<object[]> {
  const options = { recipe: { length: 18, block: 6, temperature: 0.8, ...recipe }, seed: 4 };
  const job = { kind: "generate", prompt: "hello", options } as const;
  const events: object[] = [];
  for await (const event of runJob(job, model, { stop: () => false })) events.push(event);
  return events;
}

async function expectUnread(recipe: object): Promise<void> {
  for (const eosRate of [0, 90]) {
    const lasting = await eventsOf(recipe, modelOf(false, eosRate));
    expect(await eventsOf(recipe, modelOf(true, eosRate))).toEqual(lasting);
  }
}

test.each(PRESET_NAMES.filter((name) => name !== "guided"))("%s looks at no answer twice", async (preset) => {
  await expectUnread({
    preset,
    ...(preset === "warm-start" && { init: { draft: "hello there" } }),
    // They take the best token of each cell.
    ...(["credit", "freedave"].includes(preset) && { temperature: 0 }),
    ...(preset === "quota-table" && { steps: [6, 6, 6] }),
  });
});

test.each([
  { guidance: { cfg: 1, adaptive: {} } },
  { guidance: { cfg: 1, residual: { every: 2, decay: 0.9 } } },
  { constraint: { regex: "[a-z ]*" } },
  { stop: { eotp: { minConf: 0.5 } } },
  { cache: "region" },
  { search: { method: "best-of", n: 3, score: ["likelihood", "stability", "confidence"] } },
  { search: { method: "zero-order", n: 2, rounds: 2, score: "likelihood" } },
  { search: { method: "paths", every: 3, lookahead: true, score: "likelihood" } },
  { search: { method: "svdd", n: 2, lookahead: true, score: "likelihood" } },
  { search: { method: "vote", answer: "[a-z]+" } },
])("%j looks at no answer twice", async (more) => {
  await expectUnread({ preset: "fast-dllm", threshold: 0.4, ...more });
});
