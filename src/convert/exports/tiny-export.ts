import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createGraph, type GraphBuilder, readShard } from "../graph/graph.ts";
import { floatWeight } from "../weights/weights.ts";

/** Exports as others publish them, small enough for tests: made here, of the tokenizer of a fixture. */

/** What the graph takes beside `input_ids`: nothing, an additive mask of floats, or 0/1 integers. */
export type ExportMask = "none" | "additive" | "integers";

/** Of the fixture's tokenizer. */
export const EXPORT_VOCAB = 342;
const TOKENIZER = join(import.meta.dirname, "../fixtures/a2d-qwen3-mdlm");

/**
 * Logits of a token are its row of a table, mixed over the tokens it sees.
 *
 * @param padding numbers of a weight that nothing uses, to make a file as large as wanted
 */
export function exportGraph(
  mask: ExportMask,
  padding = 0,
): { readonly graph: GraphBuilder; readonly values: Float32Array } {
  const g = createGraph();
  g.inputs.push({ name: "input_ids", type: "i64", dims: ["batch", "sequence"] });
  if (mask === "additive") {
    g.inputs.push({ name: "attention_mask", type: "f32", dims: ["batch", 1, "sequence", "sequence"] });
  }
  if (mask === "integers") {
    g.inputs.push({ name: "attention_mask", type: "i64", dims: ["batch", "sequence"] });
  }
  g.outputs.push({ name: "logits", type: "f32", dims: ["batch", "sequence", EXPORT_VOCAB] });
  const size = EXPORT_VOCAB * EXPORT_VOCAB;
  const values = Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.37) * 3);
  if (padding > 0) g.weight(floatWeight("padding", [padding], "f32", async () => new Float32Array(padding)));
  const table = g.weight(floatWeight("table", [EXPORT_VOCAB, EXPORT_VOCAB], "f32", async () => values));
  const rows = g.op("Gather", [table, "input_ids"], { axis: { int: 0 } });
  if (mask === "additive") {
    const weights = g.op("Softmax", ["attention_mask"], { axis: { int: -1 } });
    g.op("MatMul", [g.op("Squeeze", [weights, g.ints([1])]), rows], {}, "logits");
  } else if (mask === "integers") {
    const present = g.op("Unsqueeze", [g.op("Cast", ["attention_mask"], { to: { int: 1 } }), g.ints([2])]);
    g.op("Mul", [rows, present], {}, "logits");
  } else g.op("Identity", [rows], {}, "logits");
  return { graph: g, values };
}

/**
 * The files of a published export by their paths: tokenizer, graph and the data beside it, no config.json.
 *
 * @param location of the data, by its name in the graph
 */
export async function exportFiles(
  mask: ExportMask,
  { padding = 0, location = "model_q4f16.onnx.data", graph = "model_q4f16.onnx" } = {},
): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const plan = exportGraph(mask, padding).graph.finish(location);
  const text = async (name: string) => new Uint8Array(await readFile(join(TOKENIZER, name)));
  return {
    "tokenizer.json": await text("tokenizer.json"),
    "tokenizer_config.json": await text("tokenizer_config.json"),
    [`onnx/${location}`]: await readShard(plan.shards[0]!),
    [`onnx/${graph}`]: plan.model,
  };
}

/** An export that keeps keys and values, as autoregressive models are published. */
export function cachedGraph(): Uint8Array<ArrayBuffer> {
  const g = createGraph();
  g.inputs.push({ name: "input_ids", type: "i64", dims: ["batch", "sequence"] });
  g.inputs.push({ name: "past_key_values.0.key", type: "f32", dims: ["batch", 2, "past", 64] });
  g.outputs.push({ name: "logits", type: "f32", dims: ["batch", "sequence", 8] });
  return g.finish("d").model;
}
