import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { chooseHead } from "../transformer/head.ts";
import { createTensorPlan } from "../transformer/tensor-plan.ts";
import type { Layer, ModelFacts, Transformer } from "../transformer/transformer.ts";
import { checkVocab } from "./check-vocab.ts";
import {
  type Config,
  count,
  flag,
  headSize,
  invalid,
  nested,
  onlyPlain,
  own,
  plainRope,
  positive,
  refused,
} from "./config.ts";
import type { Profile } from "./profiles.ts";

/**
 * Pre-norm transformers with RMSNorm, SwiGLU and the tensor names of Qwen: Tiny-A2D (Qwen3, Qwen2.5-Coder, Llama),
 * SDAR, Dream, Fast-dLLM v2, and Qwen models that were trained further for diffusion (open-dcoder).
 */

interface Member {
  readonly qkNorm: boolean;
  /** `qkv`: always on q, k and v. `config`: on q, k, v and o where `attention_bias` says so. */
  readonly bias: "qkv" | "config";
  readonly logitsShift: 0 | 1;
  /** Config key of the block length of block-causal models. */
  readonly blockKey?: string;
  /** The published models of this type are autoregressive: only a profile says that one is not. */
  readonly needsProfile?: true;
}

const QWEN2 = { qkNorm: false, bias: "qkv" } as const;
const QWEN3 = { qkNorm: true, bias: "config" } as const;
const LLAMA = { qkNorm: false, bias: "config" } as const;

/** By `model_type`. */
export const QWEN_DENSE: Readonly<Record<string, Member>> = {
  "a2d-qwen3": { ...QWEN3, logitsShift: 0 },
  "a2d-qwen2": { ...QWEN2, logitsShift: 0 },
  "a2d-llama": { ...LLAMA, logitsShift: 0 },
  sdar: { ...QWEN3, logitsShift: 0, blockKey: "block_size" },
  Dream: { ...QWEN2, logitsShift: 1 },
  Fast_dLLM_Qwen: { ...QWEN2, logitsShift: 1, blockKey: "bd_size" },
  qwen3: { ...QWEN3, logitsShift: 0, needsProfile: true },
  qwen2: { ...QWEN2, logitsShift: 0, needsProfile: true },
};

export interface QwenDenseModel extends ModelFacts {
  readonly adapter: "qwen-dense";
  readonly inter: number;
  readonly normEps: number;
  readonly ropeTheta: number;
  readonly qkNorm: boolean;
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
}

/** @throws UnmaskError `checkpoint-unsupported`, `checkpoint-invalid` naming the key */
export function describeQwenDense(config: Config, family: string, profile?: Profile): QwenDenseModel {
  const member = QWEN_DENSE[family]!;
  if (member.needsProfile === true && profile === undefined) {
    throw refused(
      `the autoregressive architecture "${family}" (say how it was trained for diffusion: --profile, or 'Trained as' on the page)`,
    );
  }
  onlyPlain(config, {
    use_sliding_window: [false],
    hidden_act: ["silu"],
    partial_rotary_factor: [1],
  });
  const layerTypes = own(config, "layer_types");
  if (Array.isArray(layerTypes) && layerTypes.some((kind) => kind !== "full_attention")) {
    throw refused("layers other than full_attention (layer_types)");
  }
  const hidden = count(config, "hidden_size", 65_536);
  const heads = count(config, "num_attention_heads", 1024);
  const kvHeads = count(config, "num_key_value_heads", 1024, heads);
  if (heads % kvHeads !== 0) {
    throw invalid(`num_attention_heads (${heads}) is not a multiple of num_key_value_heads (${kvHeads})`);
  }
  const headDim =
    own(config, "head_dim") === undefined
      ? headSize(hidden, heads, ["hidden_size", "num_attention_heads"])
      : count(config, "head_dim", 1024);
  if (headDim % 2 !== 0) throw invalid(`head_dim ${headDim} is odd`);
  const bias = flag(config, "attention_bias", false);
  return {
    adapter: "qwen-dense",
    family,
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
    qkNorm: member.qkNorm,
    qkvBias: member.bias === "qkv" || bias,
    outputBias: member.bias === "config" && bias,
    mlpBias: flag(config, "mlp_bias", false),
    tied: flag(config, "tie_word_embeddings", false),
    attention: profile?.attention ?? attentionOf(config, member),
    logitsShift: profile?.logitsShift ?? member.logitsShift,
  };
}

function attentionOf(config: Config, { blockKey }: Member): ModelFacts["attention"] {
  if (blockKey === undefined) return { kind: "full" };
  return { kind: "block-causal", block: count(config, blockKey, 1024), align: "absolute" };
}

/** RoPE theta stands at the top level or in `rope_parameters`. */
function ropeTheta(config: Config): number {
  for (const key of ["rope_scaling", "rope_parameters"]) {
    const scope = nested(config, key);
    if (scope === undefined) continue;
    onlyPlain(scope, { partial_rotary_factor: [1] });
    const theta = plainRope(scope, key, positive(config, "rope_theta", 10_000));
    if (own(scope, "rope_theta") !== undefined) return theta;
  }
  return positive(config, "rope_theta", 10_000);
}

/** @throws UnmaskError `checkpoint-invalid` naming the tensor */
export async function planQwenDense(checkpoint: Checkpoint, facts: QwenDenseModel): Promise<Transformer> {
  const { hidden, inter, heads, kvHeads, headDim, vocab, qkvBias, mlpBias } = facts;
  const plan = createTensorPlan(checkpoint);
  checkVocab(checkpoint, "model.embed_tokens.weight", "vocab_size", vocab);
  const table = plan.matrix("model.embed_tokens.weight", vocab, hidden);
  const head = await chooseHead(plan, "lm_head.weight", table, facts.tied);
  const layers = Array.from({ length: facts.layers }, (_, i): Layer => {
    const at = (name: string) => `model.layers.${i}.${name}`;
    return {
      attentionNorm: plan.norm(at("input_layernorm"), hidden, false),
      q: plan.linear(at("self_attn.q_proj"), heads * headDim, hidden, qkvBias),
      k: plan.linear(at("self_attn.k_proj"), kvHeads * headDim, hidden, qkvBias),
      v: plan.linear(at("self_attn.v_proj"), kvHeads * headDim, hidden, qkvBias),
      o: plan.linear(at("self_attn.o_proj"), hidden, heads * headDim, facts.outputBias),
      ...(facts.qkNorm && {
        qNorm: plan.vector(at("self_attn.q_norm.weight"), headDim),
        kNorm: plan.vector(at("self_attn.k_norm.weight"), headDim),
      }),
      mlpNorm: plan.norm(at("post_attention_layernorm"), hidden, false),
      gate: plan.linear(at("mlp.gate_proj"), inter, hidden, mlpBias),
      up: plan.linear(at("mlp.up_proj"), inter, hidden, mlpBias),
      down: plan.linear(at("mlp.down_proj"), hidden, inter, mlpBias),
      ropeTheta: facts.ropeTheta,
    };
  });
  const finalNorm = plan.norm("model.norm", hidden, false);
  const { tensors, warnings } = plan.finish();
  return {
    facts,
    norm: { kind: "rms", eps: facts.normEps },
    activation: "silu",
    table,
    layers,
    finalNorm,
    head: { matrix: head.matrix },
    tensors,
    warnings: [...head.warnings, ...warnings],
  };
}
