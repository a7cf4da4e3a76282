import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { range } from "../../cache/rows.ts";
import { nodeFolder } from "../../convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../../convert/convert.ts";
import type { Dtype } from "../../convert/dtype.ts";
import { nodeTarget } from "../../convert/target/node-target.ts";
import type { ForwardRequest, KvPlan, RowStats } from "../../core/types.ts";
import { runJob } from "../../engine/run/run-job.ts";
import { nodePlatform } from "../platform/platform-node.ts";
import { type LoadedModel, loadModel } from "./load-model.ts";

/** Several canvases in one run of a real (tiny, random) model on WASM against a run each. */
const FIXTURES = join(import.meta.dirname, "../../convert/fixtures");
const SHARED = join(import.meta.dirname, "../../../../shared/checkpoints");
const NONE = new Int32Array(0);
const MASK = 310;
/** Relative to the largest logit. A last bit may round an activation of int8 to another code. */
const TOLERANCES: Readonly<Record<string, number>> = { int8: 2e-2, f16: 5e-3 };
const toleranceOf = ({ info }: LoadedModel): number => TOLERANCES[info.variant] ?? 1e-5;

let scratch = "";
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-batch-"));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** The model twice: with as many canvases in a run as fit, and with one. */
async function openBoth(folder: string, dtype: Dtype, profile?: string): Promise<readonly LoadedModel[]> {
  const bundle = join(scratch, `${dtype}-${profile}-${folder.replaceAll("/", "-")}`);
  const quiet = { name: "batch", warn: () => {}, progress: () => {} };
  const dtypes: Dtype[] = dtype === "int8" ? ["q4", "int8"] : [dtype];
  const options = { dtypes, ...quiet, ...(profile === undefined ? {} : { profile }) };
  await convertCheckpoint(nodeFolder(folder), () => nodeTarget(bundle), options);
  const { signal } = new AbortController();
  const open = (batch: boolean) =>
    loadModel(nodePlatform(), bundle, { variant: dtype, threads: 1, batch }, () => {}, signal);
  return [await open(true), await open(false)];
}

const LENGTH = 20;
const ALL = range(0, LENGTH);
/** A canvas of its own for each word. */
function canvasOf(word: number): Int32Array {
  return ALL.map((row) => ((row * 7 + word) % 5 < 2 ? MASK : (row * 37 + 11 * word + 5) % 300));
}

function requestOf(
  { manifest: { attention } }: LoadedModel,
  word: number,
  rows: Int32Array,
  more: Partial<ForwardRequest> = {},
): ForwardRequest {
  return {
    canvases: [canvasOf(word)],
    rows,
    attention,
    guidance: { kind: "none" },
    signals: { topK: 16, entropy: false, current: true, probe: [3] },
    suppress: [],
    kv: null,
    promptLen: 4,
    ...more,
  };
}

/** Everything that a forward answers, in order. */
function numbersOf({ lse, topLogits, currentLogits, probeLogits, drafts = [] }: RowStats): number[] {
  const own = [lse, topLogits, currentLogits ?? [], probeLogits ?? []].flatMap((part) => Array.from(part));
  return [...own, ...drafts.flatMap(numbersOf)];
}

function expectNear(found: RowStats, expected: RowStats, tolerance: number): void {
  const [a, b] = [numbersOf(found), numbersOf(expected)];
  expect(a).toHaveLength(b.length);
  const scale = Math.max(1, ...b.map(Math.abs));
  expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!))) / scale).toBeLessThan(tolerance);
  if (tolerance < 1e-4) expect(found.topIds).toEqual(expected.topIds);
}

/** Asks both for the same, and compares every answer. */
async function compare(
  [together, apart]: readonly LoadedModel[],
  requests: readonly ForwardRequest[],
): Promise<RowStats["batch"]> {
  const found = structuredClone(await together!.denoiser.forwardAll!(requests));
  const expected = await apart!.denoiser.forwardAll!(requests);
  for (const [i, stats] of found.entries()) expectNear(stats, expected[i]!, toleranceOf(together!));
  return found[0]!.batch;
}

const without = (rows: Int32Array): Int32Array => ALL.filter((row) => !rows.includes(row));
const fill: KvPlan = { queryRows: ALL, readRows: NONE, writeRows: ALL };
const over = (rows: Int32Array, writeRows: Int32Array = NONE): KvPlan => ({
  queryRows: rows,
  readRows: without(rows),
  writeRows,
});

describe.each([
  ["a2d-qwen3-mdlm", "f32"],
  ["a2d-qwen3-mdlm", "q8"],
  ["a2d-qwen3-mdlm", "q4"],
  ["a2d-qwen3-mdlm", "int8"],
  ["a2d-qwen3-mdlm", "f16"],
  ["llada", "f32"],
  ["mdlm-dit", "f32"],
  // Windows of eight rows on each side.
  ["modernbert-chat", "f32"],
] as const)("%s, %s", (name, dtype) => {
  let models: readonly LoadedModel[] = [];
  beforeAll(async () => {
    models = await openBoth(join(FIXTURES, name), dtype);
  }, 120_000);
  afterAll(() => Promise.all(models.map(({ denoiser }) => denoiser.dispose())));

  test("branches, drafts and texts in one run answer what they answer alone", async () => {
    const model = models[0]!;
    const guided = requestOf(model, 1, range(4, 20), {
      canvases: [canvasOf(1), canvasOf(2)],
      guidance: { kind: "cfg", scale: 0.5 },
    });
    const drafted = requestOf(model, 3, range(8, 12), {
      drafts: [
        { canvas: canvasOf(4), rows: range(2, 9), gather: range(2, 9) },
        { canvas: canvasOf(5), rows: NONE },
        { canvas: canvasOf(6), rows: Int32Array.of(0, 19) },
      ],
    });
    expect(await compare(models, [guided])).toEqual({ canvases: 2, runs: 1 });
    expect(await compare(models, [drafted])).toEqual({ canvases: 3, runs: 1 });
    const plain = requestOf(model, 7, ALL);
    expect(await compare(models, [plain, guided, drafted])).toEqual({ canvases: 6, runs: 1 });
  });

  test("cached branches and texts read stores of their own, also while these change", async () => {
    const model = models[0]!;
    const guided = (kv: KvPlan, rows: Int32Array): ForwardRequest =>
      requestOf(model, 1, rows, {
        canvases: [canvasOf(1), canvasOf(2)],
        guidance: { kind: "cfg", scale: 0.5 },
        kv,
      });
    const block = range(8, 16);
    for (const kv of [fill, over(block), over(block, block), over(block), over(range(0, 8)), over(block)]) {
      expect(await compare(models, [guided(kv, kv.queryRows)])).toEqual({ canvases: 2, runs: 1 });
    }
    const lanes = (plans: readonly KvPlan[]): readonly ForwardRequest[] =>
      plans.map((kv, lane) => requestOf(model, lane, kv.queryRows, { kv, lane }));
    expect(await compare(models, lanes([fill, fill, fill]))).toEqual({ canvases: 3, runs: 1 });
    expect(await compare(models, lanes([over(block), over(block), over(block)]))).toMatchObject({ runs: 1 });
    // Texts that are at blocks of their own: only a graph with windows has to be told one list of rows.
    const unlike = await compare(models, lanes([over(range(0, 8)), over(block), over(range(5, 13))]));
    const told = name === "modernbert-chat";
    expect(unlike).toEqual(
      told ? { canvases: 3, runs: 3, apart: "they compute unlike rows" } : { canvases: 3, runs: 1 },
    );
    expect(await compare(models, lanes([over(block), over(block)]))).toMatchObject({ runs: 1 });
  });
});

test("a text is the same either way, with all its counts", async () => {
  const models = await openBoth(join(FIXTURES, "a2d-qwen3-mdlm"), "q4");
  const best = { method: "best-of", n: 3, score: ["likelihood", "confidence"] };
  const cfg = { cfg: 1 };
  for (const recipe of [
    { preset: "llada", guidance: cfg },
    { preset: "fast-dllm", threshold: 0.3, guidance: cfg, cache: "dual", block: 4 },
    { preset: "wino", threshold: 0.2 },
    { preset: "freedave" },
    { preset: "llada", temperature: 1, search: best },
    { preset: "llada", temperature: 1, search: best, guidance: cfg, cache: "dual", block: 4 },
    { preset: "llada", temperature: 1, search: { method: "zero-order", n: 2, rounds: 1 } },
  ]) {
    const texts: object[] = [];
    const runs: number[] = [];
    for (const model of models) {
      const job = {
        kind: "generate",
        prompt: "abc",
        options: { recipe, maxNewTokens: 12, seed: 5 },
      } as const;
      let [shared, canvases] = [0, 0];
      for await (const event of runJob(job, model, { stop: () => false })) {
        if (event.type === "forward") shared += event.runs ?? 1;
        if (event.type !== "done") continue;
        const { text, tokens, nfe, rows, branchNfe, steps, search } = event;
        const candidates = search?.candidates.map((one) => one.tokens);
        texts.push({ text, tokens, nfe, rows, branchNfe, steps, candidates, best: search?.best });
        canvases = branchNfe!;
      }
      runs.push(shared / canvases);
    }
    expect(texts[0]).toEqual(texts[1]);
    expect(runs[0]).toBeLessThan(0.9);
    expect(runs[1]).toBe(1);
  }
  await Promise.all(models.map(({ denoiser }) => denoiser.dispose()));
}, 120_000);

test("drafts read the stored blocks of their canvas: the text of full forwards, with fewer rows", async () => {
  const models = await openBoth(join(FIXTURES, "a2d-qwen3-mdlm"), "f32", "bd3lm");
  const written: object[] = [];
  const rows: number[] = [];
  for (const model of models) {
    for (const cache of ["block", "none"]) {
      const recipe = { preset: "freedave", cache };
      const job = {
        kind: "generate",
        prompt: "abc",
        options: { recipe, maxNewTokens: 70, seed: 5 },
      } as const;
      for await (const event of runJob(job, model, { stop: () => false })) {
        if (event.type !== "done") continue;
        written.push(event.tokens);
        rows.push(event.rows / event.nfe);
      }
    }
  }
  expect(written[0]).toHaveLength(70);
  for (const tokens of written) expect(tokens).toEqual(written[0]);
  expect(rows[0]).toBe(rows[2]);
  expect(rows[1]).toBe(rows[3]);
  expect(rows[0]!).toBeLessThan(0.7 * rows[1]!);
  await Promise.all(models.map(({ denoiser }) => denoiser.dispose()));
}, 120_000);

const absent = existsSync(SHARED) ? "" : " (../shared/checkpoints is not here)";
describe.skipIf(absent !== "")(`block-causal reference models${absent}`, () => {
  test("an attention bias counts for every canvas of a run", async () => {
    const models = await openBoth(join(SHARED, "sdar"), "f32");
    const guided = requestOf(models[0]!, 1, ALL, {
      canvases: [canvasOf(1), canvasOf(2)],
      guidance: { kind: "cfg", scale: 0.5 },
    });
    expect(await compare(models, [guided, requestOf(models[0]!, 3, range(2, 9))])).toEqual({
      canvases: 3,
      runs: 1,
    });
    const first = { queryRows: range(0, 8), readRows: NONE, writeRows: range(0, 8) };
    const second = { queryRows: range(8, 12), readRows: range(0, 8), writeRows: NONE };
    for (const kv of [first, second]) {
      expect(await compare(models, [{ ...guided, rows: kv.queryRows, kv }])).toEqual({
        canvases: 2,
        runs: 1,
      });
    }
    await Promise.all(models.map(({ denoiser }) => denoiser.dispose()));
  }, 120_000);
});
