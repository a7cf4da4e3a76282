import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UnmaskError } from "../../core/errors.ts";
import type { ForwardRequest } from "../../core/types.ts";
import { planGeneration } from "../../engine/plan/plan.ts";
import { protoFields } from "../../onnx/read.ts";
import { loadModel } from "../../runtime/open/load-model.ts";
import { nodePlatform } from "../../runtime/platform/platform-node.ts";
import { memoryDirectory } from "../../runtime/store/memory-directory.ts";
import { recordBook } from "../../runtime/store/records.ts";
import { idOfManifest, RECORDS } from "../../runtime/store/store-layout.ts";
import { type CheckpointFolder, memorySource } from "../checkpoint/byte-source.ts";
import { nodeFolder } from "../checkpoint/node-folder.ts";
import { createGraph } from "../graph/graph.ts";
import { nodeTarget } from "../target/node-target.ts";
import { listUnfinished, opfsTarget } from "../target/opfs-target.ts";
import { findExport } from "./find-export.ts";
import { type ImportOptions, importLogitsModel } from "./import-logits.ts";
import { inspectExport } from "./inspect-export.ts";
import { adaptLogitsGraph } from "./logits-graph.ts";
import { cachedGraph, EXPORT_VOCAB, type ExportMask, exportFiles, exportGraph } from "./tiny-export.ts";

const TOKENIZER = join(import.meta.dirname, "../fixtures/a2d-qwen3-mdlm");
const VOCAB = EXPORT_VOCAB;

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "unmask-import-"));
});
afterAll(() => rm(root, { recursive: true }));

/** The export without a mask, its weights in the graph. */
async function inlineGraph(): Promise<Uint8Array> {
  const { head, tensors, tail } = exportGraph("none").graph.whole();
  const parts = await Promise.all(tensors.map(async (item) => [item.head, await item.tensor.load()]));
  return new Uint8Array(await new Blob([head, ...parts.flat(), tail] as BlobPart[]).arrayBuffer());
}

async function writeExport(
  name: string,
  mask: ExportMask,
  location = "model_q4f16.onnx.data",
): Promise<{ folder: string; values: Float32Array }> {
  const folder = join(root, name);
  await mkdir(join(folder, "onnx"), { recursive: true });
  const files = await exportFiles(mask, { location });
  // Hostile locations lead out of the folder.
  const inside = Object.entries(files).filter(([path]) => !path.includes("..") && !path.includes("//"));
  for (const [path, bytes] of inside) await writeFile(join(folder, path), bytes);
  return { folder, values: exportGraph(mask).values };
}

function convert(folder: string, name: string, more: Partial<ImportOptions> = {}) {
  const options: ImportOptions = {
    dtypes: ["q4", "int8"],
    name,
    warn: () => {},
    progress: () => {},
    loadOrt: () => import("onnxruntime-web"),
    ...more,
  };
  const graphs = nodeFolder(join(folder, "onnx"));
  return importLogitsModel(
    nodeFolder(folder),
    graphs,
    () => nodeTarget(join(root, `${name}.bundle`)),
    options,
  );
}

test.each<[ExportMask]>([["none"], ["additive"], ["integers"]])(
  "an export with the mask %s becomes a bundle that opens and answers with its logits",
  async (mask) => {
    const { folder, values } = await writeExport(`mask-${mask}`, mask);
    const manifest = await convert(folder, `mask-${mask}`);
    const { kind, facts } = await inspectExport(nodeFolder(folder), nodeFolder(join(folder, "onnx")));
    expect(kind).toBe("export");
    expect(facts).toMatchObject({
      graphs: [{ dtype: "q4", vocab: VOCAB, masked: mask === "additive" }],
      mask: 341,
    });
    expect(manifest).toMatchObject({ layers: 0, vocab: VOCAB, tokens: { mask: 341, eos: [338] } });
    expect(manifest.attention.kind).toBe(mask === "additive" ? "block-causal" : "full");
    const { signal } = new AbortController();
    const load = { variant: "q4", threads: 1 };
    const model = await loadModel(nodePlatform(), join(root, `mask-${mask}.bundle`), load, () => {}, signal);
    const request: ForwardRequest = {
      canvases: [Int32Array.of(5, 9, 17)],
      rows: Int32Array.of(0, 2),
      attention: manifest.attention,
      guidance: { kind: "none" },
      signals: { topK: 1, entropy: false, current: true, probe: [] },
      suppress: [],
      kv: null,
      promptLen: 0,
    };
    const stats = await model.denoiser.forward(request);
    const mixed = (id: number) =>
      (values[5 * VOCAB + id]! + values[9 * VOCAB + id]! + values[17 * VOCAB + id]!) / 3;
    const expected =
      mask === "additive" ? [mixed(5), mixed(17)] : [values[5 * VOCAB + 5]!, values[17 * VOCAB + 17]!];
    expect(stats.currentLogits?.[0]).toBeCloseTo(expected[0]!, 4);
    expect(stats.currentLogits?.[1]).toBeCloseTo(expected[1]!, 4);
    await model.denoiser.dispose();
    const region = { kind: "generate", promptCells: 3 } as const;
    expect(planGeneration({ maxNewTokens: 32 }, manifest, region).recipe.cache).toBe("none");
    expect(() => planGeneration({ recipe: { preset: "llada", cache: "dual" } }, manifest, region)).toThrow(
      /full forwards only/,
    );
  },
);

test("what does not fit is refused by name", async () => {
  const { folder } = await writeExport("refused", "none");
  expect((await findExport(nodeFolder(folder)))?.name).toBe(join(folder, "onnx"));
  expect((await findExport(nodeFolder(join(folder, "onnx"))))?.name).toBe(join(folder, "onnx"));
  expect(await findExport(nodeFolder(TOKENIZER))).toBeUndefined();
  await expect(convert(folder, "refused", { dtypes: ["f16"] })).rejects.toThrow(/q4 graphs only/);
  await expect(convert(folder, "refused", { profile: "bd3lm" })).rejects.toMatchObject({
    code: "invalid-options",
  });
  await rm(join(folder, "onnx/model_q4f16.onnx.data"));
  await expect(convert(folder, "refused")).rejects.toThrow(/model_q4f16.onnx.data.*not beside/);
  await writeFile(join(folder, "onnx/model_q4f16.onnx"), "not a graph");
  await expect(convert(folder, "refused")).rejects.toMatchObject({ code: "checkpoint-invalid" });
  await rm(join(folder, "onnx/model_q4f16.onnx"));
  await expect(convert(folder, "refused")).rejects.toThrow(/no .onnx graph/);
});

/** A graph with these inputs and outputs, and nothing between them. */
function graphOf(
  inputs: readonly (readonly [name: string, dims: readonly (number | string)[]])[],
  output = "logits",
) {
  const g = createGraph();
  for (const [name, dims] of inputs) g.inputs.push({ name, type: "i64", dims });
  g.outputs.push({ name: output, type: "f32", dims: [1, "s", 8] });
  return memorySource(g.finish("d").model);
}

const IDS = ["input_ids", [1, "s"]] as const;

test.each([
  ["past_key_values.0.key", /takes past_key_values.0.key: it is an autoregressive export.*safetensors/],
  ["inputs_embeds", /exported in several.*one graph from input_ids to logits/],
  ["encoder_hidden_states", /encoder and decoder/],
  ["token_type_ids", /unknown input token_type_ids/],
])("an export that takes %s is refused with what it is and what would do", async (name, message) => {
  const refused = adaptLogitsGraph(graphOf([IDS, [name, [1, "s"]]]));
  await expect(refused).rejects.toMatchObject({ code: "checkpoint-unsupported" });
  await expect(refused).rejects.toThrow(message);
});

test("graphs of a fixed length, without logits, or that may never end are refused", async () => {
  const fixed = adaptLogitsGraph(graphOf([["input_ids", [1, 128]]]));
  await expect(fixed).rejects.toThrow(/exactly 128 tokens.*dynamic/);
  const features = adaptLogitsGraph(graphOf([IDS], "last_hidden_state"));
  await expect(features).rejects.toThrow(/no output "logits".*last_hidden_state.*features/);
  const loop = createGraph();
  loop.inputs.push({ name: "input_ids", type: "i64", dims: [1, "s"] });
  loop.op("Loop", ["input_ids"], {}, "logits");
  loop.outputs.push({ name: "logits", type: "f32", dims: [1, "s", 8] });
  await expect(adaptLogitsGraph(memorySource(loop.finish("d").model))).rejects.toThrow(/Loop.*never end/);
});

test("bytes that break off, hold no graph, or claim more than there is, are refused", async () => {
  const whole = await graphOf([IDS]).read(0, graphOf([IDS]).size);
  for (let cut = 1; cut < whole.length; cut += 3) {
    const part = memorySource(whole.subarray(0, cut));
    await expect(adaptLogitsGraph(part)).rejects.toMatchObject({ code: "checkpoint-invalid" });
  }
  const twice = Uint8Array.of(...whole, ...whole);
  await expect(adaptLogitsGraph(memorySource(twice))).rejects.toThrow(/none, or several/);
  const huge = Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
  await expect(adaptLogitsGraph(memorySource(huge))).rejects.toMatchObject({ code: "checkpoint-invalid" });
  expect(() => protoFields(Uint8Array.of(0x0b))).toThrow(/breaks off/);
});

test("graphs that name their own file as data, or one outside, are refused", async () => {
  for (const location of ["model_q4f16.onnx", "../../tokenizer.json", "/etc/passwd"]) {
    const { folder } = await writeExport("location", "none", location);
    await expect(convert(folder, "location")).rejects.toMatchObject({ code: "checkpoint-invalid" });
    await expect(convert(folder, "location")).rejects.toThrow(/not beside it/);
  }
});

test("of several graphs those that can run are taken, and weights inside the graph are copied with it", async () => {
  const { folder, values } = await writeExport("several", "none");
  await writeFile(join(folder, "onnx/decoder_fp16.onnx"), cachedGraph());
  const { facts } = await inspectExport(nodeFolder(folder), nodeFolder(join(folder, "onnx")));
  expect(facts["graphs"]).toMatchObject([{ file: "model_q4f16.onnx" }]);
  await writeFile(join(folder, "onnx/model.onnx"), await inlineGraph());
  const manifest = await convert(folder, "several", { dtypes: ["f32"] });
  expect(manifest.variants).toEqual({ f32: { graph: "onnx/model_f32.onnx", data: [] } });
  const top = values.subarray(13 * VOCAB, 14 * VOCAB).reduce((max, value) => Math.max(max, value), -9);
  expect(manifest.golden.byVariant["f32"]?.topLogits[0]?.[0]).toBeCloseTo(top, 4);
});

test("a copy that was cut off goes on behind its last piece", async () => {
  const { folder } = await writeExport("resumed", "none");
  const inner = nodeFolder(join(folder, "onnx"));
  let bytes = 0;
  const cut = (after: number): CheckpointFolder => ({
    ...inner,
    open: async (name) => {
      const source = await inner.open(name);
      if (!name.endsWith(".data")) return source;
      return {
        ...source,
        read: async (offset, length) => {
          if (bytes + length > after) throw new UnmaskError("download-failed", "The network is gone.");
          bytes += length;
          return source.read(offset, length);
        },
      };
    },
  });
  const options: ImportOptions = {
    dtypes: ["q4"],
    name: "resumed",
    warn: () => {},
    progress: () => {},
    loadOrt: () => import("onnxruntime-web"),
  };
  const root = memoryDirectory();
  const run = (after: number) =>
    importLogitsModel(
      { ...nodeFolder(folder), remote: true },
      cut(after),
      (key) => opfsTarget(root, key, "about it"),
      options,
    );
  await expect(run(1000)).rejects.toThrow(/goes on from there/);
  expect(await listUnfinished(root)).toHaveLength(1);
  const manifest = await run(Number.POSITIVE_INFINITY);
  expect(bytes).toBe(4 * VOCAB * VOCAB);
  expect(await listUnfinished(root)).toEqual([]);
  const records = await root.getDirectoryHandle(RECORDS);
  expect(await recordBook(records).get(await idOfManifest(manifest))).toBeDefined();
});

test("data that is cut off, or not finite, ends in a code and leaves nothing", async () => {
  const { folder } = await writeExport("damaged", "none");
  const path = join(folder, "onnx/model_q4f16.onnx.data");
  const data = await readFile(path);
  await writeFile(path, data.subarray(0, 1000));
  await expect(convert(folder, "damaged")).rejects.toMatchObject({ code: "graph-mismatch" });
  // NaN in any float.
  await writeFile(path, data.fill(0xff));
  await expect(convert(folder, "damaged")).rejects.toMatchObject({ code: "checkpoint-unsupported" });
  expect((await readdir(root)).filter((name) => name.includes("damaged"))).toEqual(["damaged"]);
});
