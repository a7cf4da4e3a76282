import { join } from "node:path";
import { expect, test } from "vitest";
import { openCheckpoint } from "../checkpoint/checkpoint.ts";
import { nodeFolder } from "../checkpoint/node-folder.ts";
import { describeModel, planModel } from "../families/index.ts";
import { type DataShard, readShard } from "../graph/graph.ts";
import { type GraphRun, openGraph } from "../graph/run-graph.ts";
import { compareLogits } from "../reference/compare-logits.ts";
import { blockStyle } from "../weights/weights-blocks.ts";
import type { Transformer } from "./transformer.ts";
import { transformerGraph } from "./transformer-graph.ts";

/**
 * Graphs of f16 activations over quantised weights, on onnxruntime's WASM, which computes f16 operators one by one and
 * rounds in between, as a GPU does. Gates of f16 in ../checkpoints/README.md.
 */
const GATES: Record<string, number> = { "modernbert-chat": 1e-2 };
const IDS = Array.from({ length: 32 }, (_, i) => (i * 37) % 250);
const ROWS = IDS.map((_, row) => row);

async function openModel(name: string): Promise<Transformer> {
  const checkpoint = await openCheckpoint(nodeFolder(join(import.meta.dirname, "../fixtures", name)));
  return planModel(checkpoint, describeModel(checkpoint.config, { profile: "mdlm" }));
}

const styleOf = (activation: "f32" | "f16", bits: 4 | 8 = 4) =>
  blockStyle({ bits, scales: "f16", recipe: "search", activation });

async function dataOf(shards: readonly DataShard[]) {
  return Promise.all(shards.map(async (shard) => ({ path: shard.location, data: await readShard(shard) })));
}

/** Opens both graphs of a model: the exact one, and that of f16 activations over the same data file. */
async function openPair(model: Transformer, bits: 4 | 8) {
  const { layers, kvHeads, headDim } = model.facts;
  const options = { masked: false, positions: 64 };
  const exact = transformerGraph(model, styleOf("f32", bits), { ...options, location: "base" });
  const shared = exact.shards;
  const half = transformerGraph(model, styleOf("f16", bits), { ...options, location: "half", shared });
  const base = await dataOf(shared);
  const own = await dataOf(half.shards);
  const facts = { layers, kvWidth: kvHeads * headDim };
  return {
    bytes: { base: base[0]!.data.length, own: own.reduce((sum, { data }) => sum + data.length, 0) },
    exact: await openGraph(exact.model, base, { ...facts, type: "f32" }),
    half: await openGraph(half.model, [...base, ...own], {
      ...facts,
      type: "f16",
    }),
  };
}

const CASES = [
  "a2d-qwen2-mdlm",
  "a2d-qwen3-mdlm",
  "a2d-qwen3-outlier",
  "llada",
  "mdlm-dit",
  "modernbert-chat",
];
test.each(CASES)("%s: f16 activations give the logits of f32 ones within the gates of f16", async (name) => {
  const model = await openModel(name);
  const { exact, half, bytes } = await openPair(model, name === "llada" ? 8 : 4);
  const run: GraphRun = { ids: IDS, positions: ROWS, rows: ROWS, sigma: 1 };
  const { logits: expected } = await exact.run(run);
  const { logits } = await half.run(run);
  const { rel, kl } = compareLogits(logits, expected, model.facts.vocab);
  expect(rel).toBeGreaterThan(0);
  expect(rel).toBeLessThanOrEqual(GATES[name] ?? 5e-3);
  expect(kl).toBeLessThanOrEqual(1e-4);
  // Norms, biases and rotary tables alone.
  expect(bytes.own).toBeLessThan(0.2 * bytes.base);
  await exact.dispose();
  await half.dispose();
});

test("f16 keys and values are read back as they were stored", async () => {
  const model = await openModel("a2d-qwen3-mdlm");
  const { exact, half } = await openPair(model, 4);
  const { vocab, kvHeads, headDim } = model.facts;
  const { logits, cache } = await half.run({ ids: IDS, positions: ROWS, rows: ROWS });
  const kept = 20 * kvHeads * headDim;
  const block = await half.run({
    ids: IDS.slice(20),
    positions: ROWS.slice(20),
    rows: ROWS.slice(0, 12),
    past: cache.map((values) => values.slice(0, kept)),
  });
  const { rel } = compareLogits(block.logits, logits.slice(20 * vocab), vocab);
  expect(rel).toBeLessThanOrEqual(5e-3);
  await exact.dispose();
  await half.dispose();
});
