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
import { type CostModel, type CostSample, fitCost } from "./engine/cost-model.ts";
import { floorMs, type MachineRates, measureRates, workOf } from "./engine/floor.ts";
import { type LargeReport, largeModel, QWEN3 } from "./engine/large-model.ts";
import { reportName, writeReport } from "./harness/report.ts";
import { markdownTable, type Table } from "./harness/table.ts";
import { showSpread, spreadOf } from "./stats/spread.ts";

/**
 * The engine on Node's WASM with the embedded model. First what a step costs: all 256 rows against 32 active rows over
 * 224 cached ones, taken in turns. Then every cache policy on the same prompts, in turns: forwards, rows, time, and how
 * much of the text is that of no cache. Approximate caches change the text; that is measured here, not its quality. Then
 * the cost of a forward as a model of rows and keys, beside the least that this machine could need; and a model of the
 * shape of Qwen3-0.6B with random weights.
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

/** Rows and keys of the forwards that the cost model is fitted to. */
const GRID = [8, 16, 32, 64, 128, 256].flatMap((rows) =>
  [128, 256, 512].flatMap((keys) => (keys < rows ? [] : [{ rows, keys }])),
);
/** Rows through the head in each of them. */
const LOGIT_ROWS = 8;

export async function runSuite({ quick, values, io }: BenchOptions) {
  const engine = await measureEngine(quick, io);
  // The small model is closed by now: two models at once would not tell whose memory it is.
  const large = await largeModel(QWEN3, quick ? [1, 4] : [4, QWEN3.layers], quick ? 5 : 9, io);
  io.status("");
  const tables = [...engine.tables, largeTable(large)];
  const json = { ...engine.json, large, quick };
  const lines = [engine.reason, ...tables.map(markdownTable)];
  if (typeof values["out"] === "string") {
    const report = { title: `Engine: ${engine.json.model}`, intro: [engine.reason], tables };
    const paths = await writeReport(values["out"], reportName("engine", quick, true), json, report);
    lines.push(`written: ${paths.join(", ")}`);
  }
  return { json, lines };
}

async function measureEngine(quick: boolean, io: BenchOptions["io"]) {
  const { signal } = io;
  const model = await loadModel(nodePlatform(), MODEL, {}, () => {}, signal);
  try {
    io.status("step");
    const step = await stepCost(model, quick ? 9 : 31, signal);
    const policies = await policyCosts(model, quick, io);
    io.status("cost of rows and keys");
    const cost = await costOf(model, quick ? 3 : 11, signal);
    const { backend, variant, threads, name, reason } = model.info;
    const tables = [stepTable(step), policyTable(policies), costTable(cost)];
    return { reason, json: { model: name, backend, variant, threads, step, policies, cost }, tables };
  } finally {
    await model.denoiser.dispose();
  }
}

function stepTable({ full, active, ratio }: Awaited<ReturnType<typeof stepCost>>): Table {
  return {
    title: "A step",
    columns: ["rows", "a forward"],
    rows: [
      [String(CANVAS), showSpread(full, "ms")],
      [`${BLOCK} of ${CANVAS}`, `${showSpread(active, "ms")}: ${ratio} times fewer`],
    ],
  };
}

function policyTable(policies: Awaited<ReturnType<typeof policyCosts>>): Table {
  return {
    title: "Caches",
    columns: ["cache", "forwards", "rows", "a forward", "tokens of none"],
    rows: policies.map(({ cache, forwards, rows, msPerForward, agreement }) => [
      JSON.stringify(cache),
      String(forwards),
      String(rows),
      showSpread(msPerForward, "ms"),
      `${(100 * agreement).toFixed(1)} %`,
    ]),
  };
}

interface Cost {
  readonly samples: readonly CostSample[];
  readonly fit: CostModel;
  readonly rates: MachineRates;
  /** Measured milliseconds over the least possible, by sample. */
  readonly overFloor: readonly number[];
}

/** Forwards of every size in turns, the model fitted to their medians, and their distance to the machine's floor. */
async function costOf(
  { denoiser, manifest }: LoadedModel,
  rounds: number,
  signal: AbortSignal,
): Promise<Cost> {
  const none = new Int32Array(0);
  const grid = GRID.filter(({ keys }) => keys <= manifest.maxCanvas);
  const times = grid.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [at, { rows, keys }] of grid.entries()) {
      stopIf(signal);
      const queryRows = range(keys - rows, keys);
      const readRows = range(0, keys - rows);
      const request: ForwardRequest = {
        canvases: [Int32Array.from({ length: keys }, (_, row) => (row * 31 + 7) % 4000)],
        rows: range(keys - LOGIT_ROWS, keys),
        attention: manifest.attention,
        guidance: { kind: "none" },
        signals: { topK: 1, entropy: false, current: false, probe: [] },
        suppress: [manifest.tokens.mask],
        kv: null,
        promptLen: 0,
      };
      // Stores what the timed forward reads.
      if (readRows.length > 0) {
        const all = range(0, keys);
        await denoiser.forward({ ...request, kv: { queryRows: all, readRows: none, writeRows: readRows } });
      }
      const began = performance.now();
      const kv = { queryRows, readRows, writeRows: none };
      await denoiser.forward(readRows.length === 0 ? request : { ...request, kv });
      if (round > 0) times[at]!.push(performance.now() - began);
    }
  }
  const samples = grid.map((size, at) => ({ ...size, ms: spreadOf(times[at]!).median }));
  const rates = await measureRates(await nodePlatform().loadOrt("wasm", undefined), rounds);
  const overFloor = samples.map(
    ({ rows, keys, ms }) => ms / floorMs(workOf(manifest, rows, keys, LOGIT_ROWS), rates),
  );
  return { samples, fit: fitCost(samples), rates, overFloor };
}

function costTable({ samples, fit, rates, overFloor }: Cost): Table {
  const at = (rows: number, keys: number) =>
    samples.findIndex((one) => one.rows === rows && one.keys === keys);
  const shown = [at(8, 256), at(32, 256), at(256, 256), at(32, 512)].filter((index) => index >= 0);
  return {
    title: "Cost of a forward",
    columns: ["rows", "keys", "measured", "times the floor"],
    rows: shown.map((index) => {
      const { rows, keys, ms } = samples[index]!;
      return [String(rows), String(keys), `${ms.toFixed(2)} ms`, overFloor[index]!.toFixed(1)];
    }),
    notes: [
      `ms = ${fit.fixed.toFixed(2)} + ${fit.perRow.toFixed(4)} rows + ${fit.perPair.toExponential(2)} rows keys, mean error ${(100 * fit.error).toFixed(1)} %. ` +
        `The floor: ${(rates.macsPerSecond / 1e9).toFixed(1)} G int8 multiply-adds a second, ${(rates.bytesPerSecond / 1e9).toFixed(1)} GB a second, measured in the same runtime.`,
    ],
  };
}

function largeTable({ shape, measured, stepMs, readbackBytes, loadedBytes, gpuBytes }: LargeReport): Table {
  const mark = stepMs.extrapolated
    ? `extrapolated from ${measured.map(({ layers }) => layers).join(" and ")} layers`
    : "measured";
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  return {
    title: `${shape.layers} layers of ${shape.hidden}, vocabulary of ${shape.vocab}, random weights`,
    columns: ["", "", ""],
    rows: [
      [`a step, ${CANVAS} rows`, `${stepMs.full.toFixed(0)} ms`, mark],
      [`a step, ${BLOCK} of ${CANVAS} rows`, `${stepMs.active.toFixed(0)} ms`, mark],
      ["read back a step, 32 rows", `${readbackBytes} bytes`, "by the kernel's layout: 16 ids, 4 probes"],
      [
        "process memory after loading int8",
        loadedBytes === null ? "–" : mb(loadedBytes),
        "measured without --quick",
      ],
      ["GPU memory, q4 weights", mb(gpuBytes.weights), `computed; ${mark}`],
      [`GPU memory, keys and values of ${CANVAS} rows`, mb(gpuBytes.cache), "computed"],
      [`GPU memory, logits of ${BLOCK} rows`, mb(gpuBytes.logits), "computed"],
    ],
  };
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
