import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openCheckpoint } from "../convert/checkpoint/checkpoint.ts";
import { nodeFolder } from "../convert/checkpoint/node-folder.ts";
import { describeModel, planModel } from "../convert/families/index.ts";
import { readShard } from "../convert/graph/graph.ts";
import { type GraphFeed, type HostedGraph, wasmHost } from "../convert/graph/graph-host.ts";
import { compareLogits } from "../convert/reference/compare-logits.ts";
import { referenceForward, wholeMatrices } from "../convert/reference/reference.ts";
import type { Transformer } from "../convert/transformer/transformer.ts";
import { transformerGraph } from "../convert/transformer/transformer-graph.ts";
import type { WeightStyle } from "../convert/weights/weights.ts";
import { blockStyle } from "../convert/weights/weights-blocks.ts";
import { channelStyle } from "../convert/weights/weights-channels.ts";
import { floatStyle } from "../convert/weights/weights-float.ts";
import { toHalf } from "../math/half.ts";
import { blendGraph } from "./blend-graph.ts";

const FIXTURES = fileURLToPath(new URL("../convert/fixtures", import.meta.url));
const MASK = 200;
/** Every third cell waits for a token; the draft has one for half of these. */
const IDS = Array.from({ length: 24 }, (_, i) => (i % 3 === 1 ? MASK : (i * 37) % 190));
const DRAFT = IDS.map((id, i) => (id === MASK && i % 2 === 0 ? (i * 53) % 190 : id));
const ROWS = IDS.map((_, row) => row);

async function planned(name: string): Promise<Transformer> {
  const checkpoint = await openCheckpoint(nodeFolder(join(FIXTURES, name)));
  return planModel(checkpoint, describeModel(checkpoint.config, { profile: "mdlm" }));
}

/** A model's graph as it is, and the same with hints. */
async function openBoth(model: Transformer, style: WeightStyle) {
  const plan = transformerGraph(model, style, { location: "d", masked: false, positions: 64 });
  const data = [{ path: "d", data: await readShard(plan.shards[0]!) }];
  const host = await wasmHost();
  return { plain: await host.open(plan.model, data), mixing: await host.open(blendGraph(plan.model), data) };
}

/** Logits `[S, vocab]` of a full forward. */
async function logitsOf(
  graph: HostedGraph,
  { facts }: Transformer,
  type: "f32" | "f16",
  ids: readonly number[],
  hints?: { readonly ids: readonly number[]; readonly share: number },
): Promise<Float32Array> {
  const longs = (values: readonly number[]): GraphFeed => ({
    type: "int64",
    values,
    dims: [1, values.length],
  });
  const width = facts.kvHeads * facts.headDim;
  const nothing: GraphFeed =
    type === "f32"
      ? { type: "float32", values: new Float32Array(0), dims: [1, 0, width] }
      : { type: "float16", values: toHalf(new Float32Array(0)), dims: [1, 0, width] };
  const feeds: Record<string, GraphFeed> = {
    input_ids: longs(ids),
    position_ids: longs(ROWS),
    key_rows: longs(ROWS),
    sigma: { type: "float32", values: Float32Array.of(0), dims: [1] },
    logit_indices: { type: "int64", values: ROWS, dims: [ROWS.length] },
    hint_ids: longs(hints?.ids ?? ids),
    hint_share: { type: "float32", values: Float32Array.of(hints?.share ?? 0), dims: [1, 1, 1] },
  };
  const own = graph.inputNames.map((name) => [name, feeds[name] ?? nothing] as const);
  return (await graph.run(Object.fromEntries(own)))["logits"]!;
}

// Plain, with a norm behind the embedding and windows, told the noise level, and with a head of its own.
test.each(["a2d-qwen3-mdlm", "modernbert-chat", "mdlm-dit", "llada"])(
  "%s: a quarter of the draft gives the logits of a float64 forward over mixed vectors",
  async (name) => {
    const model = await planned(name);
    const { plain, mixing } = await openBoth(model, floatStyle("f32"));
    const share = 0.25;
    const { table } = model;
    const weights = await table.load();
    const vector = (id: number) => weights.subarray(id * table.k, (id + 1) * table.k);
    // Ids beyond the vocabulary stand for the mixtures.
    const reference = await referenceForward(
      model,
      { ids: IDS.map((id, i) => (DRAFT[i] === id ? id : table.n + DRAFT[i]!)), positions: ROWS },
      {
        ...wholeMatrices((matrix) => matrix.load()),
        embedding: async (_table, id) => {
          if (id < table.n) return vector(id);
          return vector(MASK).map((value, i) => (1 - share) * value + share * vector(id - table.n)[i]!);
        },
      },
    );
    const found = await logitsOf(mixing, model, "f32", IDS, { ids: DRAFT, share });
    const { vocab } = model.facts;
    expect(compareLogits(found, Float32Array.from(reference), vocab).rel).toBeLessThan(1e-5);
    const cold = await logitsOf(plain, model, "f32", IDS);
    expect(compareLogits(found, cold, vocab).rel).toBeGreaterThan(1e-2);
    await plain.release();
    await mixing.release();
  },
);

const BLOCKS = { scales: "f16", recipe: "search" } as const;
const STYLES: Readonly<Record<string, WeightStyle>> = {
  f32: floatStyle("f32"),
  f16: floatStyle("f16"),
  q8: blockStyle({ ...BLOCKS, bits: 8 }),
  q4f16: blockStyle({ ...BLOCKS, bits: 4, activation: "f16" }),
  // Two tables: codes, and a scale a token.
  int8: channelStyle(),
};

test.each(Object.keys(STYLES))("%s: the ends of the way from mask to token", async (name) => {
  const model = await planned("a2d-qwen3-mdlm");
  const { vocab } = model.facts;
  const style = STYLES[name]!;
  const { plain, mixing } = await openBoth(model, style);
  const of = (graph: HostedGraph, ids: readonly number[], hints?: Parameters<typeof logitsOf>[4]) =>
    logitsOf(graph, model, style.activation, ids, hints);
  const cold = await of(plain, IDS);
  // No hint, masks as hints, and no share of them: nothing changes. In f16, where onnxruntime rounds depends on the graph.
  const same = name === "f16" ? 5e-3 : 0;
  for (const hints of [undefined, { ids: IDS, share: 0.5 }, { ids: DRAFT, share: 0 }]) {
    expect(compareLogits(await of(mixing, IDS, hints), cold, vocab).rel).toBeLessThanOrEqual(same);
  }
  // The whole share is the token itself, as far as `a + (b - a)` is b.
  const written = await of(plain, DRAFT);
  const rounding = style.activation === "f16" ? 5e-3 : name === "int8" ? 2e-2 : 1e-5;
  const whole = await of(mixing, IDS, { ids: DRAFT, share: 1 });
  expect(compareLogits(whole, written, vocab).rel).toBeLessThan(rounding);
  // A little of it is nearly nothing.
  const little = await of(mixing, IDS, { ids: DRAFT, share: 1e-4 });
  expect(compareLogits(little, cold, vocab).rel).toBeLessThan(Math.max(rounding, 1e-3));
  expect(compareLogits(written, cold, vocab).rel).toBeGreaterThan(0.1);
  await plain.release();
  await mixing.release();
});

test("hints are inputs beside those of the graph, and no weight is stored twice", async () => {
  const graph = await readFile(
    fileURLToPath(new URL("../../public/models/default/onnx/model_q4.onnx", import.meta.url)),
  );
  const made = blendGraph(graph);
  expect(made.length - graph.length).toBeLessThan(1000);
});

test("what has no token table of ours is refused", () => {
  expect(() => blendGraph(new Uint8Array(0))).toThrow(expect.objectContaining({ code: "graph-mismatch" }));
});
