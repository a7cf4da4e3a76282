import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { range } from "../../cache/rows.ts";
import { nodeFolder } from "../../convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../../convert/convert.ts";
import type { Dtype } from "../../convert/dtype.ts";
import { nodeTarget } from "../../convert/target/node-target.ts";
import type { GenerateEvent } from "../../core/events.ts";
import type { Blend, ForwardRequest, RowStats } from "../../core/types.ts";
import { runJob } from "../../engine/run/run-job.ts";
import type { OrtModule } from "../ort/ort.ts";
import { nodePlatform } from "../platform/platform-node.ts";
import { type LoadedModel, loadModel } from "./load-model.ts";

/** Blended forwards of a real (tiny, random) model on WASM: the whole path from a recipe to a second session. */
const CHECKPOINT = join(import.meta.dirname, "../../convert/fixtures/a2d-qwen3-mdlm");
const LENGTH = 24;
const ALL = range(0, LENGTH);
const NONE = new Int32Array(0);

let scratch = "";
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-blend-"));
  const dtypes: Dtype[] = ["q4", "int8", "f32", "f16"];
  const options = { dtypes, name: "blend", warn: () => {}, progress: () => {} };
  await convertCheckpoint(nodeFolder(CHECKPOINT), () => nodeTarget(scratch), options);
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** The model, and how many sessions are open and how many were opened. */
async function open(variant: string) {
  const sessions = { open: 0, opened: 0 };
  const platform = nodePlatform();
  const { signal } = new AbortController();
  const counting = {
    ...platform,
    loadOrt: async (kind: "wasm" | "webgpu") => {
      const ort = await platform.loadOrt(kind, undefined);
      const create = async (...args: Parameters<OrtModule["InferenceSession"]["create"]>) => {
        const session = await ort.InferenceSession.create(...args);
        sessions.open++;
        sessions.opened++;
        const release = session.release.bind(session);
        session.release = async () => {
          sessions.open--;
          await release();
        };
        return session;
      };
      const InferenceSession = { create: create as OrtModule["InferenceSession"]["create"] };
      return { env: ort.env, Tensor: ort.Tensor, InferenceSession };
    },
  };
  const model = await loadModel(counting, scratch, { variant, threads: 1 }, () => {}, signal);
  return { model, sessions };
}

const idsOf = (mask: number): Int32Array => ALL.map((row) => (row % 3 === 1 ? mask : (row * 37) % 190));
/** A token for two masks of three; given cells have one too, which counts for nothing. */
const DRAFT = ALL.map((row) => (row % 9 === 1 ? -1 : (row * 53) % 190));

function requestOf({ manifest }: LoadedModel, more: Partial<ForwardRequest> = {}): ForwardRequest {
  return {
    canvases: [idsOf(manifest.tokens.mask)],
    rows: ALL,
    attention: manifest.attention,
    guidance: { kind: "none" },
    signals: { topK: 16, entropy: true, current: false, probe: [] },
    suppress: [],
    kv: null,
    promptLen: 0,
    ...more,
  };
}

/** Largest difference of a log-sum or a best logit, relative to the largest logit. */
function difference(a: RowStats, b: RowStats): number {
  const [x, y] = [a, b].map(({ lse, topLogits }) => [...lse, ...topLogits]);
  expect(a.rows).toEqual(b.rows);
  const scale = Math.max(1, ...y!.map(Math.abs));
  return Math.max(...x!.map((value, i) => Math.abs(value - y![i]!))) / scale;
}

const ROUNDING: Readonly<Record<string, number>> = { f32: 1e-5, q4: 1e-5, int8: 2e-2, f16: 5e-3 };

describe.each(Object.keys(ROUNDING))("%s", (variant) => {
  let opened: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    opened = await open(variant);
  });
  afterAll(() => opened.model.denoiser.dispose());
  const ask = async (more: Partial<ForwardRequest>): Promise<RowStats> =>
    structuredClone(await opened.model.denoiser.forward(requestOf(opened.model, more)));
  const mask = () => opened.model.manifest.tokens.mask;
  const near = ROUNDING[variant]!;

  test("from the mask to the token: nothing, next to nothing, something, all of it", async () => {
    const cold = await ask({});
    const nothing: Blend = { ids: new Int32Array(LENGTH).fill(-1), share: 0.5 };
    expect(difference(await ask({ blend: nothing }), cold)).toBeLessThan(near);
    const masks: Blend = { ids: new Int32Array(LENGTH).fill(mask()), share: 0.5 };
    expect(difference(await ask({ blend: masks }), cold)).toBeLessThan(near);
    const little = await ask({ blend: { ids: DRAFT, share: 1e-5 } });
    expect(difference(little, cold)).toBeLessThan(Math.max(near, 1e-4));
    const written = idsOf(mask()).map((id, row) => (id === mask() && DRAFT[row]! >= 0 ? DRAFT[row]! : id));
    const tokens = await ask({ canvases: [written] });
    expect(difference(await ask({ blend: { ids: DRAFT, share: 1 } }), tokens)).toBeLessThan(near);
    const half = await ask({ blend: { ids: DRAFT, share: 0.5 } });
    expect(difference(half, cold)).toBeGreaterThan(2 * near);
    expect(difference(half, tokens)).toBeGreaterThan(2 * near);
    // The plain graph is what it was.
    expect(await ask({})).toMatchObject({ lse: cold.lse, topIds: cold.topIds, topLogits: cold.topLogits });
  });

  test("rows over stored keys, several canvases and drafts are blended as in full forwards", async () => {
    const blend: Blend = { ids: DRAFT, share: 0.5 };
    const full = await ask({ blend });
    await ask({ blend, rows: range(0, 1), kv: { queryRows: ALL, readRows: NONE, writeRows: ALL } });
    const queryRows = range(8, 16);
    const readRows = ALL.filter((row) => !queryRows.includes(row));
    const cached = await ask({ blend, rows: queryRows, kv: { queryRows, readRows, writeRows: NONE } });
    expect(difference(cached, rowsOf(full, queryRows))).toBeLessThan(near);
    // Its second canvas and its draft have the mask in other cells.
    const other = idsOf(mask()).map((id, row) => (row < 6 ? mask() : id));
    const guided = { kind: "cfg", scale: 0.5 } as const;
    const draft = { canvas: other, rows: ALL };
    const alone = await ask({ blend, canvases: [other] });
    const together = await ask({ blend, drafts: [draft] });
    expect(difference(together, full)).toBeLessThan(near);
    expect(difference(together.drafts![0]!, alone)).toBeLessThan(near);
    const pair = { canvases: [idsOf(mask()), other], guidance: guided };
    const same = { canvases: [other, other], guidance: guided };
    expect(difference(await ask({ blend, ...same }), alone)).toBeLessThan(near);
    expect(difference(await ask({ blend, ...pair }), await ask(pair))).toBeGreaterThan(2 * near);
  });
});

function rowsOf(stats: RowStats, rows: Int32Array): RowStats {
  const at = Array.from(rows, (row) => stats.rows.indexOf(row));
  const { k } = stats;
  return {
    ...stats,
    rows,
    lse: Float32Array.from(at, (r) => stats.lse[r]!),
    topLogits: Float32Array.from(at.flatMap((r) => [...stats.topLogits.subarray(r * k, (r + 1) * k)])),
  };
}

async function collect(model: LoadedModel, recipe: object, cells = 16): Promise<GenerateEvent[]> {
  const job = { kind: "generate", prompt: "a b", options: { recipe, maxNewTokens: cells } } as const;
  const events: GenerateEvent[] = [];
  for await (const event of runJob(job, model, { stop: () => false })) events.push(event);
  return events;
}

/** What was committed, step by step, without confidences. */
const commitsOf = (events: readonly GenerateEvent[]) =>
  events.flatMap((event) =>
    event.type === "step" ? [event.commits.map(({ row, id }) => `${row} ${id}`)] : [],
  );

test("a second session is opened by the first blended run, once, and goes with the model", async () => {
  const { model, sessions } = await open("f32");
  const before = sessions.opened;
  const recipe = { preset: "fast-dllm", block: 8, stop: { eos: false } };
  const cold = await collect(model, recipe);
  expect(sessions.opened).toBe(before);
  const init = { draft: "b a b a b a b a", blend: 0.5 };
  const blended = await collect(model, { ...recipe, init });
  expect(blended.at(-1)).toMatchObject({ type: "done", reason: "complete" });
  expect(commitsOf(blended)).not.toEqual(commitsOf(cold));
  expect(sessions.opened).toBe(before + 1);
  expect(commitsOf(await collect(model, { ...recipe, init }))).toEqual(commitsOf(blended));
  expect(commitsOf(await collect(model, recipe))).toEqual(commitsOf(cold));
  expect(sessions.opened).toBe(before + 1);
  await model.denoiser.dispose();
  expect(sessions.open).toBe(0);
});

test("a cache that is refreshed in every step writes what no cache writes", async () => {
  const { model } = await open("f32");
  const init = { draft: "b a b a b a b a", blend: 0.5 };
  for (const preset of ["llada", "fast-dllm", "eb"]) {
    const recipe = { preset, block: 4, init, stop: { eos: false } };
    const none = commitsOf(await collect(model, recipe));
    const fresh = { ...recipe, cache: { policy: "prefix", refresh: 1 } };
    expect(commitsOf(await collect(model, fresh))).toEqual(none);
    const dual = await collect(model, { ...recipe, cache: "dual" });
    expect(dual.at(-1)).toMatchObject({ reason: "complete" });
  }
  await model.denoiser.dispose();
});

test("a model that is closed while its second session opens leaves none open", async () => {
  const { model, sessions } = await open("f32");
  const blend: Blend = { ids: DRAFT, share: 0.5 };
  const forward = model.denoiser.forward(requestOf(model, { blend })).catch((error: unknown) => error);
  await model.denoiser.dispose();
  await forward;
  expect(sessions.open).toBe(0);
});

test("a draft that does not fit the canvas, or the vocabulary, is refused before it runs", async () => {
  const { model, sessions } = await open("f32");
  const { opened } = sessions;
  const refused = (blend: Blend) =>
    expect(model.denoiser.forward(requestOf(model, { blend }))).rejects.toMatchObject({ code: "internal" });
  await refused({ ids: DRAFT.subarray(1), share: 0.5 });
  await refused({ ids: DRAFT.map(() => 9999), share: 0.5 });
  await refused({ ids: DRAFT, share: 0 });
  await refused({ ids: DRAFT, share: Number.NaN });
  expect(sessions.opened).toBe(opened);
  await model.denoiser.dispose();
});
