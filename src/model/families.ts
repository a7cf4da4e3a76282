import { UnmaskError } from "../core/errors.ts";
import type { Attention } from "../core/types.ts";

/** `config.json` to the facts a converter and a decoder need. One row of `FAMILIES` a published architecture. */

type Config = Readonly<Record<string, unknown>>;

interface Family {
  readonly qkNorm: boolean;
  readonly qkvBias: boolean;
  /** 1: row i of the raw logits predicts token i + 1. */
  readonly logitsShift: 0 | 1;
  /** Config key of the block length of block-causal models. */
  readonly blockKey?: string;
}

/** Dense pre-norm transformers with the tensor names of Qwen (adapter `qwen-dense`), by `model_type`. */
const QWEN_DENSE: Readonly<Record<string, Family>> = {
  "a2d-qwen3": { qkNorm: true, qkvBias: false, logitsShift: 0 },
  "a2d-qwen2": { qkNorm: false, qkvBias: true, logitsShift: 0 },
  "a2d-llama": { qkNorm: false, qkvBias: false, logitsShift: 0 },
  sdar: { qkNorm: true, qkvBias: false, logitsShift: 0, blockKey: "block_size" },
  Dream: { qkNorm: false, qkvBias: true, logitsShift: 1 },
  Fast_dLLM_Qwen: { qkNorm: false, qkvBias: true, logitsShift: 1, blockKey: "bd_size" },
};

/** Known architectures without an adapter, with what stands in the way. */
const PLANNED: Readonly<Record<string, string>> = {
  modernbert: "its adapter (BERT-style encoders) is not written yet",
  mdlm: "its adapter (DiT) is not written yet",
  bd3lm: "its adapter (DiT) is not written yet",
  llada: "its adapter (LLaDA tensor names) is not written yet",
  lladamoe: "mixture-of-experts models are not supported",
  llada2_moe: "mixture-of-experts models are not supported",
  diffusion_gemma: "uniform-noise diffusion is not supported",
};

/** A dense model as the graph builder sees it. All counts are positive and consistent with each other. */
export interface DenseModel {
  readonly adapter: "qwen-dense";
  readonly family: string;
  readonly layers: number;
  readonly hidden: number;
  readonly inter: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocab: number;
  readonly normEps: number;
  readonly ropeTheta: number;
  readonly maxPositions: number;
  readonly qkNorm: boolean;
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  /** What config.json says; the stored tensors decide (see `chooseHead`). */
  readonly tied: boolean;
  readonly attention: Attention;
  readonly logitsShift: 0 | 1;
}

/** Profiles that config.json cannot tell apart, chosen by `--profile` or by a repository name. */
export const PROFILES: Readonly<Record<string, Attention>> = {
  mdlm: { kind: "full" },
  bd3lm: { kind: "block-causal", block: 32, align: "prompt-end" },
};

/**
 * Reads `config.json` of a dense model.
 *
 * @throws UnmaskError `checkpoint-unsupported` when no adapter fits, `checkpoint-invalid` when numbers do not fit together.
 */
export function describeModel(config: Config, profile?: string): DenseModel {
  const type = own(config, "model_type");
  const family = typeof type === "string" && Object.hasOwn(QWEN_DENSE, type) ? QWEN_DENSE[type] : undefined;
  if (typeof type !== "string" || family === undefined) throw unsupportedFamily(type);
  refuseVariants(config);
  const hidden = count(config, "hidden_size", 65_536);
  const heads = count(config, "num_attention_heads", 1024);
  const kvHeads =
    own(config, "num_key_value_heads") == null ? heads : count(config, "num_key_value_heads", 1024);
  if (heads % kvHeads !== 0) {
    throw invalid(`num_attention_heads (${heads}) is not a multiple of num_key_value_heads (${kvHeads})`);
  }
  const headDim = own(config, "head_dim") == null ? hidden / heads : count(config, "head_dim", 1024);
  if (!Number.isInteger(headDim) || headDim % 2 !== 0) {
    throw invalid(
      `hidden_size ${hidden} and num_attention_heads ${heads} give the head dimension ${headDim}`,
    );
  }
  const bias = own(config, "attention_bias") === true;
  return {
    adapter: "qwen-dense",
    family: type,
    layers: count(config, "num_hidden_layers", 1024),
    hidden,
    inter: count(config, "intermediate_size", 262_144),
    heads,
    kvHeads,
    headDim,
    vocab: count(config, "vocab_size", Number.MAX_SAFE_INTEGER),
    normEps: positive(config, "rms_norm_eps", 1e-6),
    ropeTheta: ropeTheta(config),
    maxPositions: count(config, "max_position_embeddings", 16_777_216),
    qkNorm: family.qkNorm,
    qkvBias: family.qkvBias || bias,
    outputBias: bias,
    tied: own(config, "tie_word_embeddings") === true,
    attention: attentionOf(config, family, profile),
    logitsShift: family.logitsShift,
  };
}

function attentionOf(config: Config, family: Family, profile: string | undefined): Attention {
  if (profile !== undefined) {
    const named = Object.hasOwn(PROFILES, profile) ? PROFILES[profile] : undefined;
    if (named === undefined) {
      const known = Object.keys(PROFILES).join(", ");
      throw new UnmaskError("invalid-options", `There is no profile "${profile}"; known: ${known}.`);
    }
    return named;
  }
  if (family.blockKey === undefined) return { kind: "full" };
  return { kind: "block-causal", block: count(config, family.blockKey, 1024), align: "absolute" };
}

/** RoPE theta stands at the top level or in `rope_parameters`; every scaling but the default is refused. */
function ropeTheta(config: Config): number {
  for (const key of ["rope_scaling", "rope_parameters"]) {
    const value = own(config, key);
    if (value == null) continue;
    if (typeof value !== "object") throw invalid(`${key} is not an object`);
    const scaling = value as Config;
    const kind = own(scaling, "rope_type") ?? own(scaling, "type") ?? "default";
    if (kind !== "default") {
      throw new UnmaskError(
        "checkpoint-unsupported",
        `${key} asks for "${String(kind)}"; only plain RoPE is supported.`,
      );
    }
    if (own(scaling, "rope_theta") !== undefined) return positive(scaling, "rope_theta", 10_000);
  }
  return positive(config, "rope_theta", 10_000);
}

function refuseVariants(config: Config): void {
  const refuse = (what: string): never => {
    throw new UnmaskError("checkpoint-unsupported", `config.json asks for ${what}, which is not supported.`);
  };
  if (own(config, "use_sliding_window") === true) refuse("a sliding window (use_sliding_window)");
  const layerTypes = own(config, "layer_types");
  if (Array.isArray(layerTypes) && layerTypes.some((kind) => kind !== "full_attention")) {
    refuse("layers other than full_attention (layer_types)");
  }
  const act = own(config, "hidden_act");
  if (act !== undefined && act !== "silu") refuse(`the activation ${String(act)} (hidden_act)`);
}

function unsupportedFamily(type: unknown): UnmaskError {
  const known = Object.keys(QWEN_DENSE).join(", ");
  const why =
    typeof type === "string" && Object.hasOwn(PLANNED, type)
      ? PLANNED[type]
      : "the architecture is not known";
  const name = typeof type === "string" ? `"${type.slice(0, 80)}"` : "no model_type";
  return new UnmaskError(
    "checkpoint-unsupported",
    `This checkpoint is ${name}: ${why}. Supported: ${known}.`,
  );
}

function own(config: Config, key: string): unknown {
  return Object.hasOwn(config, key) ? config[key] : undefined;
}

function count(config: Config, key: string, max: number): number {
  const value = own(config, key);
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1 || value > max) {
    throw invalid(`${key} is ${JSON.stringify(value)?.slice(0, 40)}, not a count in 1..${max}`);
  }
  return value;
}

function positive(config: Config, key: string, fallback: number): number {
  const value = own(config, key) ?? fallback;
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) {
    throw invalid(`${key} is ${JSON.stringify(value)?.slice(0, 40)}, not a positive number`);
  }
  return value;
}

function invalid(problem: string): UnmaskError {
  return new UnmaskError("checkpoint-invalid", `config.json does not fit together: ${problem}.`);
}
