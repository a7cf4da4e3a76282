import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blockBias } from "../../cache/block-grid.ts";
import { range } from "../../cache/rows.ts";
import { readJson } from "../../convert/checkpoint/checkpoint.ts";
import { nodeFolder } from "../../convert/checkpoint/node-folder.ts";
import { readSafetensors } from "../../convert/checkpoint/safetensors.ts";
import { convertCheckpoint } from "../../convert/convert.ts";
import type { Dtype } from "../../convert/dtype.ts";
import { nodeTarget } from "../../convert/target/node-target.ts";
import type { Attention, ForwardRequest, KvPlan, RowStats } from "../../core/types.ts";
import { type LoadedModel, loadModel } from "../open/load-model.ts";
import { nodePlatform } from "../platform/platform-node.ts";

/** Cached forwards of real (tiny, random) models on WASM against their full forwards. */
const FIXTURES = join(import.meta.dirname, "../../convert/fixtures");
const SHARED = join(import.meta.dirname, "../../../../shared/checkpoints");
const NONE = new Int32Array(0);
/** Relative to the largest logit of a row. */
const TOLERANCE = 1e-5;

let scratch = "";
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-kv-"));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function convert(
  folder: string,
  name: string,
  dtypes: readonly Dtype[],
  profile?: string,
): Promise<string> {
  const bundle = join(scratch, name);
  const quiet = { name, warn: () => {}, progress: () => {} };
  const options = { dtypes, ...quiet, ...(profile === undefined ? {} : { profile }) };
  await convertCheckpoint(nodeFolder(folder), () => nodeTarget(bundle), options);
  return bundle;
}

function open(bundle: string, variant: string): Promise<LoadedModel> {
  const { signal } = new AbortController();
  return loadModel(nodePlatform(), bundle, { variant, threads: 1 }, () => {}, signal);
}

interface GoldenInput {
  readonly name: string;
  readonly length: number;
  readonly prompt_len: number;
  readonly align: "absolute" | "prompt-end";
}

interface Ask {
  readonly ids: Int32Array;
  readonly rows: Int32Array;
  readonly kv?: KvPlan;
  readonly attention?: Attention;
  readonly promptLen?: number;
  readonly other?: Int32Array;
}

/** Statistics of `rows` with the 64 best logits, kept beyond the next forward. */
async function forward({ denoiser, manifest }: LoadedModel, ask: Ask): Promise<RowStats> {
  const { ids, rows, kv, attention = manifest.attention, promptLen = 0, other } = ask;
  const request: ForwardRequest = {
    canvases: other === undefined ? [ids] : [ids, other],
    rows,
    attention,
    guidance: other === undefined ? { kind: "none" } : { kind: "cfg", scale: 0.5 },
    signals: { topK: 64, entropy: false, current: false, probe: [] },
    suppress: [],
    kv: kv ?? null,
    promptLen,
  };
  return structuredClone(await denoiser.forward(request));
}

/** Largest difference of any of the 64 best logits, relative to the largest logit; infinite when the ids differ. */
function difference(a: RowStats, b: RowStats): number {
  expect(a.rows).toEqual(b.rows);
  let worst = 0;
  for (let r = 0; r < a.rows.length; r++) {
    const scale = Math.max(1, Math.abs(b.topLogits[r * b.k]!), Math.abs(b.lse[r]!));
    worst = Math.max(worst, Math.abs(a.lse[r]! - b.lse[r]!) / scale);
    for (let i = r * a.k; i < (r + 1) * a.k; i++) {
      worst = Math.max(worst, Math.abs(a.topLogits[i]! - b.topLogits[i]!) / scale);
    }
    expect(a.topIds[r * a.k]).toBe(b.topIds[r * b.k]);
  }
  return worst;
}

const IDS = Int32Array.from({ length: 48 }, (_, i) => (i > 20 && i % 3 > 0 ? 310 : (i * 37 + 5) % 300));
const ALL = range(0, IDS.length);
const without = (rows: Int32Array): Int32Array => ALL.filter((row) => !rows.includes(row));

describe.each([
  ["a2d-qwen3-mdlm", "f32"],
  ["a2d-qwen3-mdlm", "q8"],
  ["a2d-qwen3-mdlm", "q4"],
  // Windows of eight rows on each side.
  ["modernbert-chat", "f32"],
  ["mdlm-dit", "f32"],
] as const)("full attention, %s, %s", (name, dtype) => {
  let model: LoadedModel;
  beforeAll(async () => {
    model = await open(await convert(join(FIXTURES, name), `${name}-${dtype}`, [dtype]), dtype);
  });
  afterAll(() => model.denoiser.dispose());

  test("active rows over fresh cached rows equal the full forward, wherever the active rows are", async () => {
    const full = await forward(model, { ids: IDS, rows: ALL });
    await forward(model, {
      ids: IDS,
      rows: NONE.slice(),
      kv: { queryRows: ALL, readRows: NONE, writeRows: ALL },
    });
    // Each turn reads other rows, so stored rows change places; some turns store anew.
    const turns = [range(16, 32), range(0, 8), range(40, 48), Int32Array.of(1, 7, 20, 21, 47), range(5, 44)];
    for (const [turn, queryRows] of turns.entries()) {
      const writeRows = turn % 2 === 0 ? queryRows : NONE;
      const kv = { queryRows, readRows: without(queryRows), writeRows };
      const found = await forward(model, { ids: IDS, rows: queryRows, kv });
      expect(difference(found, pick(full, queryRows))).toBeLessThan(TOLERANCE);
    }
  });

  test("rows that are neither computed nor read are not there", async () => {
    const short = IDS.subarray(0, 30);
    const cut = await forward(model, { ids: short, rows: range(10, 20) });
    const plan = { queryRows: range(0, 30), readRows: NONE, writeRows: range(0, 10) };
    const found = await forward(model, { ids: IDS, rows: range(10, 20), kv: plan });
    expect(difference(found, cut)).toBeLessThan(TOLERANCE);
    const again = { queryRows: range(10, 20), readRows: range(0, 10), writeRows: NONE };
    const shorter = await forward(model, { ids: IDS.subarray(0, 20), rows: range(10, 20) });
    await forward(model, {
      ids: IDS,
      rows: range(10, 20),
      kv: { queryRows: range(0, 20), readRows: NONE, writeRows: range(0, 10) },
    });
    const reread = await forward(model, { ids: IDS, rows: range(10, 20), kv: again });
    expect(difference(reread, shorter)).toBeLessThan(TOLERANCE);
  });

  test("a guided pair has two stores", async () => {
    const other = IDS.map((id, row) => (row < 12 ? 310 : id));
    const rows = range(30, 40);
    const full = await forward(model, { ids: IDS, other, rows });
    const refresh = { queryRows: ALL, readRows: NONE, writeRows: without(rows) };
    await forward(model, { ids: IDS, other, rows, kv: refresh });
    const kv = { queryRows: rows, readRows: without(rows), writeRows: NONE };
    expect(difference(await forward(model, { ids: IDS, other, rows, kv }), full)).toBeLessThan(TOLERANCE);
  });
});

/** The rows of a record that are among `rows`. */
function pick(stats: RowStats, rows: Int32Array): RowStats {
  const at = Array.from(rows, (row) => stats.rows.indexOf(row));
  const wide = (values: RowStats["topLogits"]) =>
    Float64Array.from(at.flatMap((r) => [...values.subarray(r * stats.k, (r + 1) * stats.k)]));
  return {
    ...stats,
    rows,
    lse: Float64Array.from(at, (r) => stats.lse[r]!),
    topIds: Int32Array.from(at.flatMap((r) => [...stats.topIds.subarray(r * stats.k, (r + 1) * stats.k)])),
    topLogits: wide(stats.topLogits),
  };
}

test("a plan that cannot be carried out is refused, and the next generation starts anew", async () => {
  const model = await open(await convert(join(FIXTURES, "a2d-qwen3-mdlm"), "plans", ["f32"]), "f32");
  const rows = range(8, 16);
  const read = { queryRows: rows, readRows: range(0, 8), writeRows: NONE };
  const ids = IDS.subarray(0, 16);
  await expect(forward(model, { ids, rows, kv: read })).rejects.toMatchObject({ code: "internal" });
  await forward(model, {
    ids,
    rows,
    kv: { queryRows: range(0, 16), readRows: NONE, writeRows: range(0, 8) },
  });
  await forward(model, { ids, rows, kv: read });
  await forward(model, {
    ids,
    rows,
    kv: { queryRows: range(0, 16), readRows: NONE, writeRows: range(2, 8) },
  });
  await expect(forward(model, { ids, rows, kv: read })).rejects.toThrow(/row 0 is read but not stored/);
  await model.denoiser.dispose();
  await expect(forward(model, { ids, rows })).rejects.toMatchObject({ code: "disposed" });
});

const BLOCKS_EQUAL = "%s (profile %s, %s): blocks over stored blocks equal the full forward";

/** Block K/V as the policy has them, on a real graph. */
async function expectBlocksEqual(folder: string, profile: string | undefined, dtype: Dtype): Promise<void> {
  const model = await open(
    await convert(folder, `${basename(folder)}-blocks-${dtype}`, [dtype], profile),
    dtype,
  );
  const { attention, logitsShift } = model.manifest;
  if (attention.kind !== "block-causal") throw new Error("not a block-causal model");
  const { block, align } = attention;
  const promptLen = 11;
  const ids = Int32Array.from({ length: 75 }, (_, i) => (i * 37 + 5) % 300);
  const full = await forward(model, { ids, rows: range(0, ids.length), promptLen });
  const grid = align === "absolute" ? 0 : promptLen % block;
  const borders = [0, ...range(0, 75).filter((row) => row > 0 && (row - grid) % block === 0), 75];
  for (let b = 0; b + 1 < borders.length; b++) {
    const [start, end] = [borders[b]!, borders[b + 1]!];
    const previous = borders[Math.max(0, b - 1)]!;
    // The block before is stored by the first forward of this one.
    const rows = range(start, end);
    const first = {
      queryRows: range(previous, end),
      readRows: range(0, previous),
      writeRows: range(previous, start),
    };
    const found = await forward(model, { ids, rows, kv: first, promptLen });
    expect(difference(found, pick(full, rows))).toBeLessThan(TOLERANCE);
    const begin = Math.max(0, start - logitsShift);
    const second = { queryRows: range(begin, end), readRows: range(0, begin), writeRows: NONE };
    const alone = await forward(model, { ids, rows, kv: second, promptLen });
    expect(difference(alone, pick(full, rows))).toBeLessThan(TOLERANCE);
  }
  await model.denoiser.dispose();
}

test.each([
  ["sdar", undefined, "f32"],
  ["sdar", undefined, "q8"],
  ["sdar", undefined, "q4"],
  ["a2d-qwen3-mdlm", "bd3lm", "f32"],
] as const)(BLOCKS_EQUAL, (name, profile, dtype) => expectBlocksEqual(join(FIXTURES, name), profile, dtype));

const absent = existsSync(SHARED) ? "" : " (../shared/checkpoints is not here)";
describe.skipIf(absent !== "")(`block-causal reference models${absent}`, () => {
  test.each([
    ["sdar", 4, 3],
    ["fast-dllm-v2", 32, 3],
    ["a2d-qwen3-bd3lm", 32, 8],
    ["bd3lm-dit", 4, 3],
  ])("%s: the attention bias is the reference's own mask", async (name, block, count) => {
    const folder = nodeFolder(join(SHARED, name));
    const golden = await readSafetensors(await folder.open("golden.safetensors"), "golden.safetensors");
    const { inputs } = (await readJson(folder, "golden.json")) as unknown as {
      readonly inputs: readonly GoldenInput[];
    }; // as its README says
    expect(inputs).toHaveLength(count);
    for (const { name: input, length, prompt_len: promptLen, align } of inputs) {
      const allowed = golden.get(`in.${input}.allowed`)!;
      const rows = range(0, length);
      const bias = new Int32Array(length * length);
      blockBias({ kind: "block-causal", block, align }, promptLen, rows, rows, 1, 1, bias);
      const open = await allowed.source.read(allowed.offset, allowed.bytes);
      expect([...bias]).toEqual(Array.from(open, (flag) => 1 - flag));
    }
  });

  test.each([
    ["fast-dllm-v2", undefined, "f32"],
    ["a2d-qwen3-bd3lm", "bd3lm", "f32"],
    ["a2d-qwen3-bd3lm", "bd3lm", "q4"],
    ["bd3lm-dit", undefined, "f32"],
  ] as const)(BLOCKS_EQUAL, (name, profile, dtype) => expectBlocksEqual(join(SHARED, name), profile, dtype));
});
