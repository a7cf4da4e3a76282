import { describe, expect, test } from "vitest";
import { describeModel } from "./index.ts";

const BASE = {
  model_type: "a2d-qwen2",
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 352,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
};

test("the head dimension defaults to hidden over heads, and flags come from the family", () => {
  expect(describeModel(BASE)).toMatchObject({ headDim: 16, qkNorm: false, qkvBias: true, logitsShift: 0 });
  expect(describeModel({ ...BASE, model_type: "a2d-qwen3", head_dim: 32 })).toMatchObject({
    headDim: 32,
    qkNorm: true,
  });
  expect(describeModel({ ...BASE, model_type: "Dream" })).toMatchObject({ logitsShift: 1 });
});

test("rope theta is found in either place", () => {
  const { rope_theta: _, ...rest } = BASE;
  const rope = { rope_theta: 5e5, rope_type: "default" };
  expect(describeModel({ ...rest, rope_parameters: rope })).toMatchObject({ ropeTheta: 5e5 });
});

test("the profile decides the attention that config.json does not tell", () => {
  expect(describeModel(BASE).attention).toEqual({ kind: "full" });
  expect(describeModel(BASE, { profile: "bd3lm" }).attention).toEqual({
    kind: "block-causal",
    block: 32,
    align: "prompt-end",
  });
  expect(() => describeModel(BASE, { profile: "bd4lm" })).toThrow(/bd4lm.*mdlm, bd3lm/);
});

test("a repository's name decides where config.json cannot, an explicit profile always", () => {
  const repository = "dllm-hub/Qwen2.5-Coder-0.5B-Instruct-diffusion-bd3lm-v0.1";
  const blocks = { kind: "block-causal", block: 32, align: "prompt-end" };
  expect(describeModel(BASE, { repository }).attention).toEqual(blocks);
  expect(describeModel(BASE, { repository: "bd3lm-models/mine" }).attention).toEqual({ kind: "full" });
  expect(describeModel(BASE, { repository, profile: "mdlm" }).attention).toEqual({ kind: "full" });
  const coder = { ...BASE, model_type: "qwen2" };
  expect(describeModel(coder, { repository: "fredzzp/open-dcoder-0.5B" })).toMatchObject({
    attention: { kind: "full" },
    logitsShift: 1,
  });
  const sdar = { ...BASE, model_type: "sdar", block_size: 8 };
  expect(describeModel(sdar, { repository: "mdlm" }).attention).toMatchObject({
    block: 8,
    align: "absolute",
  });
});

test("biases are those of the architecture: Qwen2 has them on q, k and v whatever attention_bias says", () => {
  const asked = { ...BASE, attention_bias: true };
  expect(describeModel(asked)).toMatchObject({ qkvBias: true, outputBias: false });
  expect(describeModel({ ...asked, model_type: "sdar", block_size: 4 })).toMatchObject({
    qkvBias: true,
    outputBias: true,
  });
});

const BERT = {
  model_type: "modernbert",
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  vocab_size: 352,
  max_position_embeddings: 256,
};

test("ModernBERT's windows and thetas are found in the older and the newer style", () => {
  expect(describeModel(BERT)).toMatchObject({
    windows: [null, 64, 64, null],
    globalTheta: 160_000,
    localTheta: 10_000,
    normEps: 1e-5,
    tied: true,
  });
  const older = { ...BERT, global_attn_every_n_layers: 2, local_attention: 17, local_rope_theta: null };
  expect(describeModel(older)).toMatchObject({ windows: [null, 8, null, 8], localTheta: 160_000 });
  const newer = {
    ...BERT,
    layer_types: ["sliding_attention", "full_attention", "full_attention", "full_attention"],
    rope_parameters: {
      full_attention: { rope_theta: 5e4, rope_type: "default" },
      sliding_attention: { rope_theta: 5e3, rope_type: "default" },
    },
  };
  expect(describeModel(newer)).toMatchObject({
    windows: [64, null, null, null],
    globalTheta: 5e4,
    localTheta: 5e3,
  });
});

const DIT = {
  model_type: "mdlm",
  hidden_dim: 64,
  n_blocks: 2,
  n_heads: 4,
  cond_dim: 16,
  vocab_size: 321,
  model_length: 128,
};

test("a DiT implies its mask id and says how it is conditioned", () => {
  expect(describeModel(DIT)).toMatchObject({
    impliedMask: 320,
    conditioning: "constant",
    attention: { kind: "full" },
  });
  expect(describeModel({ ...DIT, time_conditioning: true })).toMatchObject({ conditioning: "sigma" });
  expect(describeModel({ ...DIT, adaln: false, cond_dim: null })).toMatchObject({ conditioning: "none" });
  expect(describeModel({ ...DIT, model_type: "bd3lm", block_size: 16 }).attention).toMatchObject({
    block: 16,
  });
});

const LLADA = {
  model_type: "llada",
  block_type: "llama",
  rope: true,
  d_model: 64,
  n_heads: 4,
  n_layers: 2,
  mlp_ratio: 3,
  vocab_size: 300,
  embedding_size: 384,
  max_sequence_length: 256,
  rope_theta: 5e5,
};

test("LLaDA's sizes follow from its own keys", () => {
  expect(describeModel(LLADA)).toMatchObject({
    inter: 192,
    vocab: 384,
    kvHeads: 4,
    tied: true,
    normEps: 1e-5,
  });
  expect(describeModel({ ...LLADA, n_kv_heads: null, multi_query_attention: true })).toMatchObject({
    kvHeads: 1,
  });
  expect(describeModel({ ...LLADA, include_bias: true, include_qkv_bias: false })).toMatchObject({
    bias: true,
    qkvBias: false,
    normBias: true,
  });
});

describe("what does not fit is refused by name", () => {
  test.each([
    [{ ...BASE, num_attention_heads: 3 }, "checkpoint-invalid", /num_attention_heads/],
    [{ ...BASE, hidden_size: -1 }, "checkpoint-invalid", /hidden_size/],
    [{ ...BASE, rope_scaling: { type: "yarn" } }, "checkpoint-unsupported", /yarn/],
    [{ ...BASE, use_sliding_window: true }, "checkpoint-unsupported", /sliding/],
    [{ ...BASE, model_type: "llada2_moe" }, "checkpoint-unsupported", /llada2_moe.*mixture of experts/],
    [{ ...BASE, model_type: "qwen2" }, "checkpoint-unsupported", /autoregressive.*--profile/],
    [{ ...DIT, num_classes: 10 }, "checkpoint-unsupported", /num_classes/],
    [{ ...DIT, model_type: "bd3lm" }, "checkpoint-invalid", /block_size/],
    [{ ...LLADA, block_type: "sequential" }, "checkpoint-unsupported", /block_type "sequential"/],
    [{ ...LLADA, alibi: true }, "checkpoint-unsupported", /alibi true/],
    [{ ...LLADA, n_kv_heads: 3 }, "checkpoint-invalid", /n_heads \(4\).*n_kv_heads \(3\)/],
    [{ ...BERT, hidden_activation: "tanh" }, "checkpoint-unsupported", /tanh.*hidden_activation/],
    [{ ...BERT, layer_types: ["full_attention"] }, "checkpoint-invalid", /layer_types.*num_hidden_layers/],
    [
      { ...BERT, rope_parameters: { full_attention: { rope_type: "yarn" } } },
      "checkpoint-unsupported",
      /yarn/,
    ],
    [{ ...BERT, norm_bias: "yes" }, "checkpoint-invalid", /norm_bias is "yes"/],
    [{ ...BASE, model_type: "toString" }, "checkpoint-unsupported", /not known/],
  ])("%#", (config, code, message) => {
    expect(() => describeModel(config)).toThrow(message);
    expect(() => describeModel(config)).toThrow(expect.objectContaining({ code }));
  });
});
