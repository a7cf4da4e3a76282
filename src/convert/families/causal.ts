import { UnmaskError } from "../../core/errors.ts";
import { type Config, own, refused } from "./config.ts";
import type { Profile } from "./profiles.ts";
import { describeQwenDense, type QwenDenseModel } from "./qwen-dense.ts";

/** Autoregressive architectures that the causal graph computes. */
const CAUSAL: readonly string[] = ["qwen3", "qwen2"];

/** Next-token prediction is block-causal attention with blocks of one cell, and row i predicts token i + 1. */
const NEXT_TOKEN: Profile = {
  attention: { kind: "block-causal", block: 1, align: "absolute" },
  logitsShift: 1,
};

/**
 * Reads the `config.json` of an autoregressive model.
 *
 * @throws UnmaskError `checkpoint-unsupported` for every other architecture, `checkpoint-invalid` naming the key
 */
export function describeCausal(config: Config): QwenDenseModel {
  const type = own(config, "model_type");
  if (typeof type === "string" && CAUSAL.includes(type)) {
    const model = describeQwenDense(config, type, NEXT_TOKEN);
    // What onnxruntime's GroupQueryAttention asks for.
    if (model.headDim % 8 !== 0) throw refused(`head_dim ${model.headDim}, which is not a multiple of 8`);
    return model;
  }
  const name = typeof type === "string" ? `"${type.slice(0, 80)}"` : "of no named architecture";
  throw new UnmaskError(
    "checkpoint-unsupported",
    `This checkpoint is ${name}; the layout of transformers.js is for the autoregressive models ${CAUSAL.join(" and ")}.`,
  );
}
