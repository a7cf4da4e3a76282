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

describe("what does not fit is refused by name", () => {
  test.each([
    [{ ...BASE, num_attention_heads: 3 }, "checkpoint-invalid", /num_attention_heads/],
    [{ ...BASE, hidden_size: -1 }, "checkpoint-invalid", /hidden_size/],
    [{ ...BASE, rope_scaling: { type: "yarn" } }, "checkpoint-unsupported", /yarn/],
    [{ ...BASE, use_sliding_window: true }, "checkpoint-unsupported", /sliding/],
    [{ ...BASE, model_type: "llada2_moe" }, "checkpoint-unsupported", /llada2_moe.*mixture of experts/],
    [{ ...BASE, model_type: "qwen2" }, "checkpoint-unsupported", /autoregressive.*--profile/],
    [{ ...BASE, model_type: "toString" }, "checkpoint-unsupported", /not known/],
  ])("%#", (config, code, message) => {
    expect(() => describeModel(config)).toThrow(message);
    expect(() => describeModel(config)).toThrow(expect.objectContaining({ code }));
  });
});
