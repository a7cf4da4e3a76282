import { expect, test } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import type { TensorEntry } from "../checkpoint/safetensors.ts";
import { describeCausal } from "../families/causal.ts";
import type { Config } from "../families/config.ts";
import { planQwenDense } from "../families/qwen-dense.ts";
import type { GraphBuilder } from "../graph/graph.ts";
import { compareLogits } from "../reference/compare-logits.ts";
import { referenceForward, wholeMatrices } from "../reference/reference.ts";
import { bytesOf, type Matrix, type WeightStyle } from "../weights/weights.ts";
import { channelStyle, quantizeChannels } from "../weights/weights-channels.ts";
import { floatStyle } from "../weights/weights-float.ts";
import { causalGraph } from "./causal-graph.ts";

/** The causal graph against the float64 forward, on random models with grouped heads, odd sizes and biases. */

const SIZES = { hidden: 40, inter: 50, layers: 2, heads: 6, kvHeads: 2, headDim: 16, vocab: 77 };

function configOf(type: "qwen2" | "qwen3"): Config {
  return {
    model_type: type,
    hidden_size: SIZES.hidden,
    intermediate_size: SIZES.inter,
    num_hidden_layers: SIZES.layers,
    num_attention_heads: SIZES.heads,
    num_key_value_heads: SIZES.kvHeads,
    head_dim: SIZES.headDim,
    vocab_size: SIZES.vocab,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-5,
    rope_theta: 5000,
    tie_word_embeddings: type === "qwen3",
  };
}

function shapesOf(type: "qwen2" | "qwen3"): Record<string, number[]> {
  const { hidden, inter, layers, heads, kvHeads, headDim, vocab } = SIZES;
  const shapes: Record<string, number[]> = {
    "model.embed_tokens.weight": [vocab, hidden],
    "model.norm.weight": [hidden],
    ...(type === "qwen2" && { "lm_head.weight": [vocab, hidden] }),
  };
  for (let i = 0; i < layers; i++) {
    const at = `model.layers.${i}`;
    shapes[`${at}.input_layernorm.weight`] = [hidden];
    shapes[`${at}.post_attention_layernorm.weight`] = [hidden];
    for (const [name, n] of [
      ["q_proj", heads],
      ["k_proj", kvHeads],
      ["v_proj", kvHeads],
    ] as const) {
      shapes[`${at}.self_attn.${name}.weight`] = [n * headDim, hidden];
      if (type === "qwen2") shapes[`${at}.self_attn.${name}.bias`] = [n * headDim];
    }
    shapes[`${at}.self_attn.o_proj.weight`] = [hidden, heads * headDim];
    if (type === "qwen3") {
      shapes[`${at}.self_attn.q_norm.weight`] = [headDim];
      shapes[`${at}.self_attn.k_norm.weight`] = [headDim];
    }
    for (const name of ["gate_proj", "up_proj"]) shapes[`${at}.mlp.${name}.weight`] = [inter, hidden];
    shapes[`${at}.mlp.down_proj.weight`] = [hidden, inter];
  }
  return shapes;
}

function randomModel(type: "qwen2" | "qwen3") {
  let state = 7;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state / 2 ** 31;
  };
  const tensors = Object.entries(shapesOf(type)).map(([name, shape]): TensorEntry => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    const [base, spread] =
      shape.length > 1 ? [0, 3 / Math.sqrt(shape[1]!)] : [/norm/.test(name) ? 1 : 0, 0.3];
    const bytes = bytesOf(Float32Array.from({ length: size }, () => base + spread * next()));
    return { name, dtype: "F32", shape, source: memorySource(bytes), offset: 0, bytes: bytes.length };
  });
  const folder = { name: "random", names: async () => [], open: () => Promise.reject(new Error("no files")) };
  const config = configOf(type);
  const checkpoint = { folder, config, tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) };
  return planQwenDense(checkpoint, describeCausal(config));
}

async function wholeOf(graph: GraphBuilder): Promise<Uint8Array> {
  const { head, tensors, tail } = graph.whole();
  const parts = [head];
  for (const { head: own, tensor } of tensors) parts.push(own, await tensor.load());
  return new Uint8Array(await new Blob([...parts, tail] as BlobPart[]).arrayBuffer());
}

type Past = ReadonlyMap<string, { readonly data: unknown; readonly dims: readonly number[] }>;

async function openCausal(graph: GraphBuilder) {
  const ort = await import("onnxruntime-web");
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(await wholeOf(graph), { executionProviders: ["wasm"] });
  const longs = (values: readonly number[]) =>
    new ort.Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);
  return {
    names: { inputs: session.inputNames, outputs: session.outputNames },
    async run(ids: readonly number[], past: Past = new Map()) {
      const before = past.get("present.0.key")?.dims[2] ?? 0;
      const feeds: Record<string, InstanceType<typeof ort.Tensor>> = {
        input_ids: longs(ids),
        attention_mask: longs(new Array<number>(before + ids.length).fill(1)),
        position_ids: longs(ids.map((_, row) => before + row)),
      };
      for (const name of session.inputNames.filter((input) => input.startsWith("past"))) {
        const stored = past.get(name.replace("past_key_values", "present"));
        const dims = [1, SIZES.kvHeads, before, SIZES.headDim];
        feeds[name] = new ort.Tensor("float32", (stored?.data ?? new Float32Array(0)) as Float32Array, dims);
      }
      const out = await session.run(feeds);
      return { logits: out["logits"]!.data as Float32Array, present: new Map(Object.entries(out)) };
    },
    /** Two texts at once. */
    batch() {
      const two = new ort.Tensor("int64", new BigInt64Array(2).fill(1n), [2, 1]);
      const none = () => new ort.Tensor("float32", new Float32Array(0), [2, SIZES.kvHeads, 0, SIZES.headDim]);
      const caches = session.inputNames.filter((name) => name.startsWith("past"));
      return session.run({
        input_ids: two,
        attention_mask: two,
        position_ids: two,
        ...Object.fromEntries(caches.map((name) => [name, none()])),
      });
    },
    dispose: () => session.release(),
  };
}

type ReadMatrix = (matrix: Matrix) => Promise<Float32Array>;

const IDS = Array.from({ length: 11 }, (_, i) => (i * 29 + 3) % SIZES.vocab);
const CAUSAL = Uint8Array.from({ length: IDS.length ** 2 }, (_, at) =>
  at % IDS.length <= Math.floor(at / IDS.length) ? 1 : 0,
);

/** The weights as the int8 build holds them. */
const readChannels: ReadMatrix = async (matrix) => {
  const { codes, scales } = await quantizeChannels(matrix);
  const { n, k } = matrix;
  return Float32Array.from({ length: n * k }, (_, at) => {
    const row = Math.floor(at / k);
    return codes[(at % k) * n + row]! * scales[row]!;
  });
};

/** int8 also rounds the activations of every row to 255 steps, which the reference does not. */
const STYLES: readonly [string, () => WeightStyle, ReadMatrix, number][] = [
  ["f32", () => floatStyle("f32"), (matrix) => matrix.load(), 5e-6],
  ["q8", channelStyle, readChannels, 0.05],
];

test.each(["qwen2", "qwen3"] as const)(
  "%s, all at once and behind a cache, equals the float64 forward",
  async (type) => {
    const model = await randomModel(type);
    const positions = IDS.map((_, row) => row);
    for (const [name, style, read, tolerance] of STYLES) {
      const expected = Float32Array.from(
        await referenceForward(model, { ids: IDS, positions, allowed: CAUSAL }, wholeMatrices(read)),
      );
      const runner = await openCausal(causalGraph(model, style(), 64));
      const whole = await runner.run(IDS);
      expect(compareLogits(whole.logits, expected, SIZES.vocab).rel, name).toBeLessThan(tolerance);
      let past: Past = new Map();
      const steps: number[] = [];
      for (const ids of [IDS.slice(0, 4), IDS.slice(4, 10), IDS.slice(10)]) {
        const { logits, present } = await runner.run(ids, past);
        steps.push(...logits);
        past = present;
      }
      // A row does not depend on what is computed with it, in int8 neither.
      expect(compareLogits(Float32Array.from(steps), whole.logits, SIZES.vocab).rel, name).toBeLessThan(5e-6);
      await runner.dispose();
    }
  },
);

test("inputs and outputs are those that transformers.js feeds and reads; a batch is refused, not miscounted", async () => {
  const runner = await openCausal(causalGraph(await randomModel("qwen3"), floatStyle("f32"), 64));
  const caches = [0, 1].flatMap((i) => [`${i}.key`, `${i}.value`]);
  expect(runner.names.inputs).toEqual([
    "input_ids",
    "attention_mask",
    "position_ids",
    ...caches.map((name) => `past_key_values.${name}`),
  ]);
  expect(runner.names.outputs).toEqual(["logits", ...caches.map((name) => `present.${name}`)]);
  await expect(runner.batch()).rejects.toThrow(/input_ids/);
  await runner.dispose();
});

test("only autoregressive architectures are taken", () => {
  expect(() => describeCausal({ model_type: "a2d-qwen3" })).toThrow(/a2d-qwen3.*autoregressive/);
  expect(() => describeCausal({})).toThrow(/no named architecture/);
  expect(() => describeCausal({ ...configOf("qwen3"), head_dim: 12 })).toThrow(/head_dim 12/);
});
