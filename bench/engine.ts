import { fileURLToPath } from "node:url";
import { type CacheInput, resolveCache, writeCache } from "../src/cache/choice.ts";
import { complement, range } from "../src/cache/rows.ts";
import type { BenchOptions } from "../src/cli/bench.ts";
import { UnmaskError } from "../src/core/errors.ts";
import type { GenerateEvent } from "../src/core/events.ts";
import type { ForwardRequest, KvPlan } from "../src/core/types.ts";
import { runJob } from "../src/engine/run-job.ts";
import { type LoadedModel, loadModel } from "../src/runtime/load-model.ts";
import { nodePlatform } from "../src/runtime/platform-node.ts";
import { showSpread, spreadOf } from "./stats/spread.ts";

/**
 * The engine on Node's WASM with the embedded model. First what a step costs: all 256 rows against 32 active rows over
 * 224 cached ones, taken in turns. Then every cache policy on the same prompts, in turns: forwards, rows, time, and how
 * much of the text is that of no cache. Approximate caches change the text; that is measured here, not its quality.
 */
const MODEL = fileURLToPath(new URL("../public/models/default", import.meta.url));
const PROMPTS = [
  "Once upon a time there was a little fox who",
  "The rain had stopped and the children",
  "Far away, behind the blue mountains,",
  "One morning the old farmer found",
  "There was a girl who loved to",
];
const CANVAS = 256;
const BLOCK = 32;

const POLICIES: readonly CacheInput[] = [
  "none",
  "prefix",
  "dual",
  { policy: "dual", refresh: 8 },
  "vicinity",
  "suffix-drop",
  "partial",
  "region",
];

export async function runSuite({ quick, io }: BenchOptions) {
  const { signal } = io;
  const model = await loadModel(nodePlatform(), MODEL, {}, () => {}, signal);
  try {
    io.status("step");
    const step = await stepCost(model, quick ? 9 : 31, signal);
    const policies = await policyCosts(model, quick, io);
    const lines = [
      model.info.reason,
      `${CANVAS} rows            ${showSpread(step.full, "ms")}`,
      `${BLOCK} of ${CANVAS} rows      ${showSpread(step.active, "ms")}: ${step.ratio} times fewer`,
      ...policies.map(
        ({ cache, forwards, rows, msPerForward, agreement }) =>
          `${JSON.stringify(cache).padEnd(30)} ${forwards} forwards, ${rows} rows, ` +
          `${showSpread(msPerForward, "ms per forward")}, ${(100 * agreement).toFixed(1)} % of the tokens of "none"`,
      ),
    ];
    const { backend, variant, threads, name } = model.info;
    return { json: { model: name, backend, variant, threads, step, policies }, lines };
  } finally {
    await model.denoiser.dispose();
  }
}

/** A denoise step of the middle block: with everything computed, and with the block alone over fresh cached rows. */
async function stepCost({ denoiser, manifest }: LoadedModel, rounds: number, signal: AbortSignal) {
  const ids = Int32Array.from({ length: CANVAS }, (_, row) =>
    row < 128 ? (row * 31 + 7) % 4000 : manifest.tokens.mask,
  );
  const rows = range(128, 128 + BLOCK);
  const others = complement(CANVAS, rows);
  const none = new Int32Array(0);
  const ask = async (kv: KvPlan | null): Promise<number> => {
    const request: ForwardRequest = {
      canvases: [ids],
      rows,
      attention: manifest.attention,
      guidance: { kind: "none" },
      signals: { topK: 1, entropy: false, current: false, probe: [] },
      suppress: [manifest.tokens.mask],
      kv,
      promptLen: 128,
    };
    const began = performance.now();
    await denoiser.forward(request);
    return performance.now() - began;
  };
  await ask({ queryRows: range(0, CANVAS), readRows: none, writeRows: others });
  const block = { queryRows: rows, readRows: others, writeRows: none };
  await ask(block);
  const times: { full: number[]; active: number[] } = { full: [], active: [] };
  for (let round = 0; round < rounds; round++) {
    stopIf(signal);
    times.full.push(await ask(null));
    times.active.push(await ask(block));
  }
  const [full, active] = [spreadOf(times.full), spreadOf(times.active)];
  return {
    canvas: CANVAS,
    activeRows: BLOCK,
    full,
    active,
    ratio: Math.round((10 * full.median) / active.median) / 10,
  };
}

interface Run {
  readonly forwards: number;
  readonly rows: number;
  readonly msPerForward: number;
  readonly tokens: readonly number[];
}

async function policyCosts(model: LoadedModel, quick: boolean, { status, signal }: BenchOptions["io"]) {
  const prompts = quick ? PROMPTS.slice(0, 2) : PROMPTS;
  const length = quick ? 96 : CANVAS - 32;
  const runs = POLICIES.map((): Run[] => []);
  for (const [i, prompt] of prompts.entries()) {
    for (let turn = 0; turn < POLICIES.length; turn++) {
      // Another policy goes first for each prompt.
      const at = (turn + i) % POLICIES.length;
      status(`prompt ${i + 1}: ${JSON.stringify(POLICIES[at])}`);
      runs[at]!.push(await runOnce(model, prompt, length, POLICIES[at]!, signal));
    }
  }
  return POLICIES.map((cache, at) => ({
    cache: writeCache(resolveCache(cache)),
    forwards: sum(runs[at]!.map(({ forwards }) => forwards)),
    rows: sum(runs[at]!.map(({ rows }) => rows)),
    msPerForward: spreadOf(runs[at]!.map(({ msPerForward }) => msPerForward)),
    agreement:
      sum(runs[at]!.map(({ tokens }, i) => sharedTokens(tokens, runs[0]![i]!.tokens))) / prompts.length,
  }));
}

async function runOnce(
  model: LoadedModel,
  prompt: string,
  length: number,
  cache: CacheInput,
  signal: AbortSignal,
): Promise<Run> {
  const recipe = { preset: "llada", block: BLOCK, steps: length / 2, cache, stop: { eos: false } };
  const job = { kind: "generate", prompt, options: { maxNewTokens: length, recipe } } as const;
  let done: Extract<GenerateEvent, { type: "done" }> | undefined;
  const control = { stop: () => signal.aborted, now: () => performance.now() };
  for await (const event of runJob(job, model, control)) if (event.type === "done") done = event;
  stopIf(signal);
  const { nfe = 0, rows = 0, ms = 0, tokens = [] } = done ?? {};
  return { forwards: nfe, rows, msPerForward: ms / nfe, tokens };
}

function sharedTokens(a: readonly number[], b: readonly number[]): number {
  return a.filter((id, i) => id === b[i]).length / b.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function stopIf({ aborted }: AbortSignal): void {
  if (aborted) throw new UnmaskError("aborted", "The benchmark was stopped.");
}
