import { expect, test } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import type { TensorEntry } from "../checkpoint/safetensors.ts";
import { readShard } from "../graph/graph.ts";
import { openGraph } from "../graph/run-graph.ts";
import { compareLogits } from "../reference/compare-logits.ts";
import { type ReferenceInput, referenceForward, wholeMatrices } from "../reference/reference.ts";
import { hasWindows, transformerGraph } from "../transformer/transformer-graph.ts";
import { dequantize, quantize } from "../weights/quantize.ts";
import { bytesOf, type Matrix } from "../weights/weights.ts";
import { blockStyle } from "../weights/weights-blocks.ts";
import { floatStyle } from "../weights/weights-float.ts";
import type { Config } from "./config.ts";
import { describeModel, planModel } from "./index.ts";

/** Configurations that the reference checkpoints do not have, as random models: the graph against the float64 forward. */

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Repeatable numbers in -1..1. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state / 2 ** 31;
  };
}

function randomCheckpoint(config: Config, shapes: Shapes) {
  const next = noise(7);
  const tensors = Object.entries(shapes).map(([name, shape]): TensorEntry => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    // Norm weights near one, matrices scaled by their fan-in, so that logits have a spread of a few.
    const [base, spread] =
      shape.length > 1 ? [0, 3 / Math.sqrt(shape[1]!)] : [/norm|ln_f/.test(name) ? 1 : 0, 0.3];
    const values = Float32Array.from({ length: size }, () => base + spread * next());
    const bytes = bytesOf(values);
    return { name, dtype: "F32", shape, source: memorySource(bytes), offset: 0, bytes: bytes.length };
  });
  const folder = { name: "random", names: async () => [], open: () => Promise.reject(new Error("no files")) };
  return { folder, config, tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) };
}

const biased = (prefix: string, n: number, k: number): Shapes => ({
  [`${prefix}.weight`]: [n, k],
  [`${prefix}.bias`]: [n],
});

function layersOf(count: number, layer: (i: number) => Shapes): Shapes {
  return Object.assign({}, ...Array.from({ length: count }, (_, i) => layer(i))) as Shapes;
}

/** Odd sizes, grouped heads whose columns cut quantisation blocks, and every bias a configuration can ask for. */
const QWEN: readonly [Config, Shapes] = [
  {
    model_type: "a2d-qwen3",
    hidden_size: 40,
    intermediate_size: 50,
    num_hidden_layers: 2,
    num_attention_heads: 6,
    num_key_value_heads: 2,
    head_dim: 12,
    vocab_size: 77,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-5,
    rope_theta: 5000,
    attention_bias: true,
    mlp_bias: true,
    tie_word_embeddings: false,
  },
  {
    "model.embed_tokens.weight": [77, 40],
    "lm_head.weight": [77, 40],
    "model.norm.weight": [40],
    ...layersOf(2, (i) => {
      const at = `model.layers.${i}`;
      return {
        [`${at}.input_layernorm.weight`]: [40],
        [`${at}.post_attention_layernorm.weight`]: [40],
        [`${at}.self_attn.q_norm.weight`]: [12],
        [`${at}.self_attn.k_norm.weight`]: [12],
        ...biased(`${at}.self_attn.q_proj`, 72, 40),
        ...biased(`${at}.self_attn.k_proj`, 24, 40),
        ...biased(`${at}.self_attn.v_proj`, 24, 40),
        ...biased(`${at}.self_attn.o_proj`, 40, 72),
        ...biased(`${at}.mlp.gate_proj`, 50, 40),
        ...biased(`${at}.mlp.up_proj`, 50, 40),
        ...biased(`${at}.mlp.down_proj`, 40, 50),
      };
    }),
  },
];

const LLADA: readonly [Config, Shapes] = [
  {
    model_type: "llada",
    d_model: 48,
    n_layers: 1,
    n_heads: 6,
    n_kv_heads: 3,
    mlp_hidden_size: 70,
    vocab_size: 60,
    embedding_size: 65,
    max_sequence_length: 64,
    rms_norm_eps: 1e-4,
    rope: true,
    block_type: "llama",
    include_bias: true,
    weight_tying: false,
  },
  {
    "model.transformer.wte.weight": [65, 48],
    ...biased("model.transformer.ff_out", 65, 48),
    "model.transformer.ln_f.weight": [48],
    "model.transformer.ln_f.bias": [48],
    ...layersOf(1, () => {
      const at = "model.transformer.blocks.0";
      return {
        [`${at}.attn_norm.weight`]: [48],
        [`${at}.attn_norm.bias`]: [48],
        [`${at}.ff_norm.weight`]: [48],
        [`${at}.ff_norm.bias`]: [48],
        ...biased(`${at}.q_proj`, 48, 48),
        ...biased(`${at}.k_proj`, 24, 48),
        ...biased(`${at}.v_proj`, 24, 48),
        ...biased(`${at}.attn_out`, 48, 48),
        ...biased(`${at}.ff_proj`, 70, 48),
        ...biased(`${at}.up_proj`, 70, 48),
        ...biased(`${at}.ff_out`, 48, 70),
      };
    }),
  },
];

/** Layer kinds and thetas in the newer style, an untied decoder, and a window of two rows on each side. */
const MODERNBERT: readonly [Config, Shapes] = [
  {
    model_type: "modernbert",
    hidden_size: 36,
    intermediate_size: 44,
    num_hidden_layers: 3,
    num_attention_heads: 3,
    vocab_size: 61,
    max_position_embeddings: 64,
    norm_eps: 1e-3,
    layer_types: ["sliding_attention", "full_attention", "sliding_attention"],
    local_attention: 5,
    rope_parameters: {
      full_attention: { rope_theta: 70_000, rope_type: "default" },
      sliding_attention: { rope_theta: 900, rope_type: "default" },
    },
    hidden_activation: "gelu_pytorch_tanh",
    classifier_activation: "relu",
    norm_bias: true,
    attention_bias: true,
    mlp_bias: true,
    classifier_bias: true,
    decoder_bias: false,
    tie_word_embeddings: false,
  },
  {
    "model.embeddings.tok_embeddings.weight": [61, 36],
    "decoder.weight": [61, 36],
    ...biased("head.dense", 36, 36),
    ...layersOf(3, (i) => ({
      ...biased(`model.layers.${i}.attn.Wqkv`, 108, 36),
      ...biased(`model.layers.${i}.attn.Wo`, 36, 36),
      ...biased(`model.layers.${i}.mlp.Wi`, 88, 36),
      ...biased(`model.layers.${i}.mlp.Wo`, 36, 44),
    })),
    ...Object.fromEntries(
      [
        "model.embeddings.norm",
        "model.final_norm",
        "head.norm",
        ...[1, 2].map((i) => `model.layers.${i}.attn_norm`),
        ...[0, 1, 2].map((i) => `model.layers.${i}.mlp_norm`),
      ].flatMap((name) => [
        [`${name}.weight`, [36]],
        [`${name}.bias`, [36]],
      ]),
    ),
  },
];

function dit(adaln: boolean, timed: boolean): readonly [Config, Shapes] {
  const config = {
    model_type: "bd3lm",
    hidden_dim: 36,
    n_blocks: 2,
    n_heads: 3,
    cond_dim: 10,
    vocab_size: 53,
    model_length: 64,
    block_size: 3,
    adaln,
    time_conditioning: timed,
  };
  const shapes = {
    "backbone.vocab_embed.embedding": [53, 36],
    ...biased("backbone.output_layer.linear", 53, 36),
    "backbone.output_layer.norm_final.weight": [36],
    ...(adaln && {
      ...biased("backbone.sigma_map.mlp.0", 10, 14),
      ...biased("backbone.sigma_map.mlp.2", 10, 10),
      ...biased("backbone.output_layer.adaLN_modulation", 72, 10),
    }),
    ...layersOf(2, (i) => {
      const at = `backbone.blocks.${i}`;
      return {
        [`${at}.norm1.weight`]: [36],
        [`${at}.norm2.weight`]: [36],
        [`${at}.attn_qkv.weight`]: [108, 36],
        [`${at}.attn_out.weight`]: [36, 36],
        ...biased(`${at}.mlp.0`, 90, 36),
        ...biased(`${at}.mlp.2`, 36, 90),
        ...(adaln && biased(`${at}.adaLN_modulation`, 216, 10)),
      };
    }),
  };
  return [config, shapes];
}

const ROWS = 11;
const MASK = Uint8Array.from({ length: ROWS * ROWS }, (_, at) =>
  Math.floor((at % ROWS) / 3) <= Math.floor(at / ROWS / 3) ? 1 : 0,
);

test.each<[string, readonly [Config, Shapes], Partial<ReferenceInput>]>([
  ["qwen-dense with every bias, ragged sizes and grouped heads", QWEN, {}],
  ["llada with biases, grouped heads and a padded table", LLADA, {}],
  ["modernbert with every bias, mixed layers and an untied decoder", MODERNBERT, {}],
  ["dit without AdaLN", dit(false, false), { allowed: MASK }],
  ["dit at noise level zero", dit(true, false), { allowed: MASK }],
  ["dit told its noise level", dit(true, true), { allowed: MASK, sigma: 0.7 }],
])("%s", async (_, [config, shapes], extra) => {
  const checkpoint = randomCheckpoint(config, shapes);
  const model = await planModel(checkpoint, describeModel(config));
  expect(model.warnings).toEqual([]);
  expect(model.tensors).toHaveLength(Object.keys(shapes).length);
  const { layers, kvHeads, headDim, heads, vocab } = model.facts;
  const ids = Array.from({ length: ROWS }, (__, i) => (i * 29 + 3) % vocab);
  const positions = ids.map((__, row) => row);
  const { allowed } = extra;
  const rep = heads / kvHeads;
  const bias =
    allowed &&
    Float32Array.from({ length: ROWS * rep * ROWS }, (__, at) => {
      return allowed[Math.floor(at / (ROWS * rep)) * ROWS + (at % ROWS)] === 1 ? 0 : -1e9;
    });
  const quantised = async (matrix: Matrix) => {
    const { n, k } = matrix;
    const bits = matrix === model.table || matrix === model.head.matrix ? 8 : 4;
    return dequantize(quantize(await matrix.load(), n, k, bits, "f32", "nearest"), n, k, bits);
  };
  const builds = [
    { style: floatStyle("f32"), read: (matrix: Matrix) => matrix.load() },
    { style: blockStyle({ bits: 4, scales: "f32", recipe: "nearest" }), read: quantised },
  ];
  for (const { style, read } of builds) {
    const plan = transformerGraph(model, style, {
      location: "d",
      masked: allowed !== undefined,
      positions: 64,
    });
    const data = [{ path: "d", data: await readShard(plan.shards[0]!) }];
    const runner = await openGraph(plan.model, data, {
      layers,
      kvWidth: kvHeads * headDim,
      type: "f32",
    });
    const input = { ids, positions, ...(extra.sigma !== undefined && { sigma: extra.sigma }) };
    const { logits } = await runner.run({ ...input, rows: positions, ...(bias && { bias }) });
    await runner.dispose();
    const expected = await referenceForward(
      model,
      { ...input, ...(allowed && { allowed }) },
      wholeMatrices(read),
    );
    expect(compareLogits(logits, Float32Array.from(expected), vocab).rel).toBeLessThan(5e-6);
  }
});

test("a window matters, and so does the noise level", async () => {
  const logitsOf = async ([config, shapes]: readonly [Config, Shapes], sigma: number) => {
    const model = await planModel(randomCheckpoint(config, shapes), describeModel(config));
    const ids = Array.from({ length: ROWS }, (_, i) => i);
    return referenceForward(
      model,
      { ids, positions: ids, sigma },
      wholeMatrices((matrix) => matrix.load()),
    );
  };
  const [config, shapes] = MODERNBERT;
  const narrow = await logitsOf(MODERNBERT, 0);
  expect(narrow).not.toEqual(await logitsOf([{ ...config, local_attention: 30 }, shapes], 0));
  expect(await logitsOf(dit(true, true), 0)).not.toEqual(await logitsOf(dit(true, true), 0.7));
  expect(await logitsOf(dit(true, false), 0)).toEqual(await logitsOf(dit(true, false), 0.7));
  const planned = await planModel(randomCheckpoint(config, shapes), describeModel(config));
  expect(hasWindows(planned)).toBe(true);
});
