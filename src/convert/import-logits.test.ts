import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ForwardRequest } from "../core/types.ts";
import { planGeneration } from "../engine/plan.ts";
import { loadModel } from "../runtime/load-model.ts";
import { nodePlatform } from "../runtime/platform-node.ts";
import type { ConvertOptions } from "./convert-options.ts";
import { createGraph, readShard } from "./graph.ts";
import { importLogitsModel, inspectExport } from "./import-logits.ts";
import { adaptLogitsGraph } from "./logits-graph.ts";
import { nodeExport, nodeFolder } from "./node-folder.ts";
import { nodeTarget } from "./node-target.ts";
import { protoFields } from "./onnx-read.ts";
import { floatWeight } from "./weights.ts";

const TOKENIZER = join(import.meta.dirname, "fixtures/a2d-qwen3-mdlm");
const VOCAB = 342;

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "unmask-import-"));
});
afterAll(() => rm(root, { recursive: true }));

type Mask = "none" | "additive" | "integers";

/** An export as others make it: logits of a token are its row of a table, mixed over the tokens it sees. */
function exportedGraph(mask: Mask, location: string) {
  const g = createGraph();
  g.inputs.push({ name: "input_ids", type: "i64", dims: ["batch", "sequence"] });
  if (mask === "additive") {
    g.inputs.push({ name: "attention_mask", type: "f32", dims: ["batch", 1, "sequence", "sequence"] });
  }
  if (mask === "integers") {
    g.inputs.push({ name: "attention_mask", type: "i64", dims: ["batch", "sequence"] });
  }
  g.outputs.push({ name: "logits", type: "f32", dims: ["batch", "sequence", VOCAB] });
  const values = Float32Array.from({ length: VOCAB * VOCAB }, (_, i) => Math.sin(i * 0.37) * 3);
  const table = g.weight(floatWeight("table", [VOCAB, VOCAB], "f32", async () => values));
  const rows = g.op("Gather", [table, "input_ids"], { axis: { int: 0 } });
  if (mask === "additive") {
    const weights = g.op("Softmax", ["attention_mask"], { axis: { int: -1 } });
    g.op("MatMul", [g.op("Squeeze", [weights, g.ints([1])]), rows], {}, "logits");
  } else if (mask === "integers") {
    const present = g.op("Unsqueeze", [g.op("Cast", ["attention_mask"], { to: { int: 1 } }), g.ints([2])]);
    g.op("Mul", [rows, present], {}, "logits");
  } else g.op("Identity", [rows], {}, "logits");
  return { plan: g.finish(location), values };
}

async function writeExport(name: string, mask: Mask): Promise<{ folder: string; values: Float32Array }> {
  const folder = join(root, name);
  await mkdir(join(folder, "onnx"), { recursive: true });
  for (const file of ["tokenizer.json", "tokenizer_config.json"]) {
    await copyFile(join(TOKENIZER, file), join(folder, file));
  }
  const { plan, values } = exportedGraph(mask, "model_q4f16.onnx.data");
  await writeFile(join(folder, "onnx/model_q4f16.onnx"), plan.model);
  await writeFile(join(folder, "onnx/model_q4f16.onnx.data"), await readShard(plan.shards[0]!));
  return { folder, values };
}

function convert(folder: string, name: string, more: Partial<ConvertOptions> = {}) {
  const options: ConvertOptions = {
    dtypes: ["q4", "int8"],
    name,
    warn: () => {},
    progress: () => {},
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

test.each<[Mask]>([["none"], ["additive"], ["integers"]])(
  "an export with the mask %s becomes a bundle that opens and answers with its logits",
  async (mask) => {
    const { folder, values } = await writeExport(`mask-${mask}`, mask);
    const manifest = await convert(folder, `mask-${mask}`);
    const { kind, facts } = await inspectExport(nodeFolder(join(folder, "onnx")));
    expect(kind).toBe("export");
    expect(facts).toMatchObject({ graphs: [{ dtype: "q4", vocab: VOCAB, masked: mask === "additive" }] });
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
  expect((await nodeExport(folder))?.name).toBe(join(folder, "onnx"));
  expect((await nodeExport(join(folder, "onnx")))?.name).toBe(join(folder, "onnx"));
  expect(await nodeExport(TOKENIZER)).toBeUndefined();
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

test.each([
  ["past_key_values.0.key", /past_key_values.0.key.*causally/],
  ["token_type_ids", /unknown input token_type_ids/],
])("the input %s is refused", (name, message) => {
  const g = createGraph();
  g.inputs.push({ name: "input_ids", type: "i64", dims: [1, "s"] }, { name, type: "i64", dims: [1, "s"] });
  g.outputs.push({ name: "logits", type: "f32", dims: [1, "s", 8] });
  expect(() => adaptLogitsGraph(g.finish("d").model)).toThrow(message);
});

test("graphs without logits, and bytes that break off, are refused", () => {
  const g = createGraph();
  g.inputs.push({ name: "input_ids", type: "i64", dims: [1, "s"] });
  g.outputs.push({ name: "last_hidden_state", type: "f32", dims: [1, "s", 8] });
  const { model } = g.finish("d");
  expect(() => adaptLogitsGraph(model)).toThrow(/no output "logits".*last_hidden_state/);
  expect(() => protoFields(model.subarray(0, model.length - 1))).toThrow(/breaks off/);
  expect(() => protoFields(Uint8Array.of(0x0b))).toThrow(/breaks off/);
});
