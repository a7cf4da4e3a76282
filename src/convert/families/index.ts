import { assertNever, UnmaskError } from "../../core/errors.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { Transformer } from "../transformer/transformer.ts";
import type { Config } from "./config.ts";
import { type DitModel, describeDit, planDit } from "./dit.ts";
import { describeLlada, type LladaModel, planLlada } from "./llada.ts";
import { describeModernBert, type ModernBertModel, planModernBert } from "./modernbert.ts";
import { profileNamed, profileOfRepository } from "./profiles.ts";
import { describeQwenDense, planQwenDense, QWEN_DENSE, type QwenDenseModel } from "./qwen-dense.ts";

/**
 * The families this converter knows, one file each: config.json to facts, tensor names to a {@link Transformer}. What
 * they share (the graph, the weight styles) stands outside this folder.
 */

export type Model = QwenDenseModel | LladaModel | ModernBertModel | DitModel;

/** Known architectures that are refused, with what they would need. */
const REFUSED: Readonly<Record<string, string>> = {
  lladamoe: "a mixture of experts (7 B parameters): it would need a router and expert kernels in the graph",
  llada_moe: "a mixture of experts (7 B parameters): it would need a router and expert kernels in the graph",
  llada2_moe:
    "a mixture of experts (16 B parameters): it would need a router and expert kernels in the graph",
  sdar_moe: "a mixture of experts (30 B parameters): it would need a router and expert kernels in the graph",
  qwen3_moe: "a mixture of experts: it would need a router and expert kernels in the graph",
  diffusion_gemma:
    "uniform-noise diffusion with self-conditioning on 26 B parameters: it would need soft embeddings as an input and about 18 GB",
  wedlm:
    "causal attention over reordered rows: it would need causal masks by canvas order, at 7 B parameters or more",
};

export interface Hints {
  /** Asked for by the caller: `mdlm`, `bd3lm` or `open-dcoder`. */
  readonly profile?: string | undefined;
  /** Repository id or folder name, for families whose config.json does not tell how they were trained. */
  readonly repository?: string | undefined;
}

/**
 * Reads `config.json`.
 *
 * @throws UnmaskError `checkpoint-unsupported` when no family fits, `checkpoint-invalid` when numbers do not fit
 *   together, `invalid-options` for an unknown profile
 */
export function describeModel(config: Config, { profile, repository }: Hints = {}): Model {
  const type = Object.hasOwn(config, "model_type") ? config["model_type"] : undefined;
  const name = typeof type === "string" ? type : "";
  const explicit = profile === undefined ? undefined : profileNamed(profile);
  if (Object.hasOwn(QWEN_DENSE, name)) {
    const known = QWEN_DENSE[name]?.blockKey === undefined && repository !== undefined;
    const implied = known ? profileOfRepository(repository) : undefined;
    const chosen = explicit ?? (implied === undefined ? undefined : profileNamed(implied));
    return describeQwenDense(config, name, chosen);
  }
  switch (name) {
    case "llada":
      return describeLlada(config, name, explicit);
    case "modernbert":
      return describeModernBert(config, name, explicit);
    case "mdlm":
    case "bd3lm":
      return describeDit(config, name, explicit);
    default:
      throw unsupportedFamily(type);
  }
}

/**
 * Finds every tensor of a described model in its checkpoint.
 *
 * @throws UnmaskError `checkpoint-invalid`, `checkpoint-unsupported` naming the tensor or the key
 */
export function planModel(checkpoint: Checkpoint, model: Model): Promise<Transformer> {
  switch (model.adapter) {
    case "qwen-dense":
      return planQwenDense(checkpoint, model);
    case "llada":
      return planLlada(checkpoint, model);
    case "modernbert":
      return planModernBert(checkpoint, model);
    case "dit":
      return planDit(checkpoint, model);
    default:
      return assertNever(model);
  }
}

function unsupportedFamily(type: unknown): UnmaskError {
  const known = [...Object.keys(QWEN_DENSE), "llada", "modernbert", "mdlm", "bd3lm"].join(", ");
  const why =
    typeof type === "string" && Object.hasOwn(REFUSED, type)
      ? REFUSED[type]
      : "the architecture is not known";
  const name = typeof type === "string" ? `"${type.slice(0, 80)}"` : "no model_type";
  return new UnmaskError(
    "checkpoint-unsupported",
    `This checkpoint is ${name}: ${why}. Supported: ${known}.`,
  );
}
