import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeFolder } from "../../convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../../convert/convert.ts";
import { nodeTarget } from "../../convert/target/node-target.ts";
import type { GenerateEvent, LoadEvent } from "../../core/events.ts";
import type { Engine } from "../../protocol.ts";
import { openNodeEngine } from "./node-engine.ts";

/** The whole path on a tiny random checkpoint: convert, open, generate, and every way a bundle can be broken. */
const CHECKPOINT = fileURLToPath(new URL("../../convert/fixtures/a2d-qwen3-mdlm", import.meta.url));
let scratch = "";
let bundle = "";

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-runtime-"));
  bundle = join(scratch, "good");
  await convertCheckpoint(nodeFolder(CHECKPOINT), () => nodeTarget(bundle), {
    dtypes: ["q4", "int8", "f32"],
    name: "tiny",
    warn: () => {},
    progress: () => {},
  });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const open = (model: string, more = {}) => openNodeEngine({ model, threads: 1, ...more });
const OPTIONS = { maxNewTokens: 8, recipe: { preset: "llada", block: 8 } } as const;

async function collect(events: AsyncIterable<GenerateEvent>): Promise<GenerateEvent[]> {
  const seen: GenerateEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

/** A copy of the bundle after `damage`, opened. */
async function openDamaged(name: string, damage: (folder: string) => Promise<unknown>): Promise<Engine> {
  const folder = join(scratch, name);
  await cp(bundle, folder, { recursive: true });
  await damage(folder);
  return open(folder);
}

async function editManifest(folder: string, edit: (manifest: never) => void): Promise<void> {
  const path = join(folder, "unmask.json");
  const manifest = JSON.parse(await readFile(path, "utf8")) as never;
  edit(manifest);
  await writeFile(path, JSON.stringify(manifest));
}

test("opens, says where it runs, and generates the same text for the same seed", async () => {
  const progress: LoadEvent[] = [];
  await using engine = await open(bundle, { onProgress: (event: LoadEvent) => progress.push(event) });
  expect(engine.info).toMatchObject({ backend: "wasm", variant: "int8", threads: 1, name: "tiny" });
  expect(engine.info.reason).toContain("WASM with one thread");
  expect(engine.info.selfTest!.maxError).toBeLessThan(engine.info.selfTest!.tolerance);
  expect(new Set(progress.map(({ phase }) => phase))).toEqual(
    new Set(["downloading", "verifying", "compiling", "warming"]),
  );
  expect(progress.every(({ bytes, totalBytes }) => bytes <= totalBytes)).toBe(true);
  const run = () => collect(engine.generate("a b", { ...OPTIONS, temperature: 1, seed: 7 }));
  const [first, second] = [await run(), await run()];
  const done = first.at(-1);
  expect(done).toMatchObject({ type: "done", reason: "complete", nfe: 8 });
  const tokens = (events: GenerateEvent[]) => events.findLast((event) => event.type === "done")?.tokens;
  expect(tokens(first)).toHaveLength(8);
  expect(tokens(second)).toEqual(tokens(first));
});

test("every variant passes its own self-test; a missing one has its own code", async () => {
  for (const variant of ["q4", "f32"]) {
    await using engine = await open(bundle, { variant });
    expect(engine.info.variant).toBe(variant);
    expect(engine.info.warnings).toEqual([]);
  }
  await expect(open(bundle, { variant: "q3" })).rejects.toMatchObject({ code: "variant-missing" });
});

test("bad input is refused with its code and the next correct request works", async () => {
  await using engine = await open(bundle);
  const bad = [
    [() => engine.generate("", OPTIONS), "prompt-empty"],
    [() => engine.generate("a", { ...OPTIONS, maxNewTokens: -1 }), "invalid-options"],
    [() => engine.generate("a", { ...OPTIONS, maxNewTokens: 1e9 }), "invalid-options"],
    [() => engine.generate("a", { recipe: "nonsense" }), "unknown-recipe"],
    [() => engine.generate("word ".repeat(20_000), OPTIONS), "prompt-too-long"],
    [() => engine.infill("no gap here", OPTIONS), "no-gaps"],
  ] as const;
  for (const [run, code] of bad) await expect(collect(run())).rejects.toMatchObject({ code });
  expect((await collect(engine.generate("a", OPTIONS))).at(-1)).toMatchObject({ reason: "complete" });
});

test("a stop ends the job within one forward; leaving the loop does too, and the next job may start at once", async () => {
  await using engine = await open(bundle);
  const controller = new AbortController();
  const seen: GenerateEvent[] = [];
  for await (const event of engine.generate("a", { ...OPTIONS, signal: controller.signal })) {
    seen.push(event);
    if (event.type === "step") controller.abort();
  }
  expect(seen.at(-1)).toMatchObject({ type: "done", reason: "aborted" });
  expect(seen.filter((event) => event.type === "forward").length).toBeLessThanOrEqual(2);
  for await (const _ of engine.generate("a", OPTIONS)) break;
  expect((await collect(engine.generate("a", OPTIONS))).at(-1)).toMatchObject({ reason: "complete" });
});

test("two jobs at a time are refused; a held job advances by steps", async () => {
  await using engine = await open(bundle);
  const held = engine.generate("a", { ...OPTIONS, held: true });
  await expect(collect(engine.generate("a", OPTIONS))).rejects.toMatchObject({ code: "busy" });
  engine.step();
  let steps = 0;
  for await (const event of held) {
    if (event.type !== "step") continue;
    steps++;
    if (steps < 3) engine.step();
    else engine.resume();
  }
  expect(steps).toBe(8);
});

test("a closed engine refuses work", async () => {
  const engine = await open(bundle);
  await engine[Symbol.asyncDispose]();
  await expect(collect(engine.generate("a", OPTIONS))).rejects.toMatchObject({ code: "disposed" });
});

test("broken bundles end in their own codes", async () => {
  await expect(open(join(scratch, "nowhere"))).rejects.toMatchObject({ code: "not-found" });
  const html = openDamaged("html", (folder) => writeFile(join(folder, "unmask.json"), "<!doctype html>"));
  await expect(html).rejects.toMatchObject({ code: "manifest-invalid" });
  const short = openDamaged("short", (folder) => truncate(join(folder, "onnx/model_q4.onnx_data"), 1000));
  await expect(short).rejects.toMatchObject({
    code: "file-truncated",
    detail: { path: "onnx/model_q4.onnx_data" },
  });
  const gone = openDamaged("gone", (folder) => rm(join(folder, "onnx/model_int8.onnx")));
  await expect(gone).rejects.toMatchObject({ code: "not-found" });
  const flipped = openDamaged("flipped", async (folder) => {
    const path = join(folder, "onnx/model_q4.onnx_data");
    const bytes = await readFile(path);
    bytes[100]! ^= 1;
    await writeFile(path, bytes);
  });
  await expect(flipped).rejects.toMatchObject({
    code: "checksum-mismatch",
    detail: { path: "onnx/model_q4.onnx_data", chunk: 0 },
  });
  const layers = openDamaged("layers", (folder) =>
    editManifest(folder, (m: { layers: number }) => void m.layers++),
  );
  await expect(layers).rejects.toMatchObject({ code: "graph-mismatch" });
  type Golden = { golden: { byVariant: { int8: { topLogits: number[][] } } } };
  const golden = openDamaged("golden", (folder) =>
    editManifest(folder, (m: Golden) => {
      m.golden.byVariant.int8.topLogits[3]![0]! += 5;
    }),
  );
  await expect(golden).rejects.toMatchObject({ code: "golden-mismatch" });
});

test("an aborted opening ends with aborted", async () => {
  const controller = new AbortController();
  const opening = open(bundle, { signal: controller.signal, onProgress: () => controller.abort() });
  await expect(opening).rejects.toMatchObject({ code: "aborted" });
});

test("caches generate: a refresh in every step is no cache, dual computes fewer rows", async () => {
  await using engine = await open(bundle, { variant: "f32" });
  const run = async (cache: unknown) => {
    const recipe = { preset: "llada", block: 4, cache };
    const events = await collect(
      engine.generate("a b c", { maxNewTokens: 16, recipe, seed: 3, temperature: 1 }),
    );
    const done = events.findLast((event) => event.type === "done")!;
    return { tokens: done.tokens, rows: done.rows, nfe: done.nfe };
  };
  const near = { policy: "vicinity", warmup: 0, before: 1, after: 1 };
  const none = await run("none");
  expect(await run({ policy: "dual", refresh: 1 })).toEqual(none);
  for (const cache of ["prefix", "dual", near, "suffix-drop", "partial", "region"]) {
    const cached = await run(cache);
    expect(cached.nfe).toBe(none.nfe);
    expect(cached.tokens).toHaveLength(16);
    expect(cached.rows).toBeLessThan(none.rows);
  }
  await expect(run("block")).rejects.toMatchObject({ code: "invalid-options" });
});

test("a block-causal model generates, by default with the exact cache", async () => {
  const folder = join(scratch, "blocks");
  await convertCheckpoint(nodeFolder(CHECKPOINT), () => nodeTarget(folder), {
    dtypes: ["f32"],
    name: "blocks",
    profile: "bd3lm",
    warn: () => {},
    progress: () => {},
  });
  await using engine = await open(folder, { variant: "f32" });
  const run = async (cache: object) => {
    const recipe = { preset: "fast-dllm", threshold: 0.2, ...cache };
    const events = await collect(engine.generate("a b c d", { maxNewTokens: 80, recipe }));
    const start = events.find((event) => event.type === "start")!;
    const done = events.findLast((event) => event.type === "done")!;
    return { recipe: start.recipe, tokens: done.tokens, rows: done.rows };
  };
  const [cached, plain] = [await run({}), await run({ cache: "none" })];
  expect(cached.recipe).toMatchObject({ cache: "block" });
  expect(cached.tokens).toEqual(plain.tokens);
  expect(cached.rows).toBeLessThan(0.7 * plain.rows);
  await expect(run({ cache: "dual" })).rejects.toMatchObject({ code: "invalid-options" });
});

test("the embedded block-causal twin writes with its cache what it writes without", async () => {
  const twin = fileURLToPath(new URL("../../../public/models/block", import.meta.url));
  await using engine = await open(twin, { variant: "q4" });
  const run = async (cache: object) => {
    const recipe = { preset: "llada", block: 16, ...cache };
    const events = await collect(engine.generate("Once upon a time", { maxNewTokens: 48, recipe }));
    const { tokens, rows, nfe } = events.findLast((event) => event.type === "done")!;
    return { tokens, rows, nfe };
  };
  const [cached, plain] = [await run({}), await run({ cache: "none" })];
  expect(cached.tokens).toEqual(plain.tokens);
  expect(cached.nfe).toBe(plain.nfe);
  expect(cached.rows).toBeLessThan(0.5 * plain.rows);
});
