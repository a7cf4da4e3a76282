import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { chooseHead } from "../transformer/head.ts";
import { createTensorPlan } from "../transformer/tensor-plan.ts";
import type { Layer, ModelFacts, Transformer } from "../transformer/transformer.ts";
import { checkVocab } from "./check-vocab.ts";
import { type Config, count, flag, headSize, invalid, onlyPlain, own, positive, refused } from "./config.ts";
import type { Profile } from "./profiles.ts";

/** Dense LLaDA: a Llama-style transformer with full attention under the names of OLMo's code. */

export interface LladaModel extends ModelFacts {
  readonly adapter: "llada";
  readonly inter: number;
  readonly normEps: number;
  readonly ropeTheta: number;
  readonly qkvBias: boolean;
  /** On the other linear maps of a layer, and on the head when it is not tied. */
  readonly bias: boolean;
  readonly normBias: boolean;
}

/** @throws UnmaskError `checkpoint-unsupported`, `checkpoint-invalid` naming the key */
export function describeLlada(config: Config, family: string, profile?: Profile): LladaModel {
  onlyPlain(config, {
    block_type: ["llama"],
    block_group_size: [1],
    activation_type: ["silu"],
    layer_norm_type: ["rms"],
    layer_norm_with_affine: [true],
    attention_layer_norm: [false],
    alibi: [false],
    rope: [true],
    input_emb_norm: [false],
    scale_logits: [false],
  });
  // OLMo's code takes other defaults for these two, which no published LLaDA leaves to them.
  if (own(config, "block_type") === undefined) throw refused("an unnamed block_type");
  if (own(config, "rope") === undefined) throw refused("positions other than RoPE (rope is absent)");
  const hidden = count(config, "d_model", 65_536);
  const heads = count(config, "n_heads", 1024);
  const kvHeads = count(
    config,
    "n_kv_heads",
    1024,
    own(config, "multi_query_attention") === true ? 1 : heads,
  );
  if (heads % kvHeads !== 0) throw invalid(`n_heads (${heads}) is not a multiple of n_kv_heads (${kvHeads})`);
  const bias = flag(config, "include_bias", false);
  const vocab = count(config, "vocab_size", Number.MAX_SAFE_INTEGER);
  return {
    adapter: "llada",
    family,
    layers: count(config, "n_layers", 1024),
    hidden,
    inter: count(config, "mlp_hidden_size", 262_144, positive(config, "mlp_ratio", 4) * hidden),
    heads,
    kvHeads,
    headDim: headSize(hidden, heads, ["d_model", "n_heads"]),
    // The table may be padded beyond the vocabulary.
    vocab: count(config, "embedding_size", Number.MAX_SAFE_INTEGER, vocab),
    normEps: positive(config, "rms_norm_eps", 1e-5),
    ropeTheta: positive(config, "rope_theta", 10_000),
    maxPositions: count(config, "max_sequence_length", 16_777_216),
    qkvBias: flag(config, "include_qkv_bias", bias),
    bias,
    normBias: flag(config, "bias_for_layer_norm", bias),
    tied: flag(config, "weight_tying", true),
    attention: profile?.attention ?? { kind: "full" },
    logitsShift: profile?.logitsShift ?? 0,
  };
}

/** @throws UnmaskError `checkpoint-invalid` naming the tensor */
export async function planLlada(checkpoint: Checkpoint, facts: LladaModel): Promise<Transformer> {
  const { hidden, inter, heads, kvHeads, headDim, vocab, bias, qkvBias, normBias } = facts;
  const root = "model.transformer";
  const plan = createTensorPlan(checkpoint);
  checkVocab(checkpoint, `${root}.wte.weight`, "embedding_size", vocab);
  const table = plan.matrix(`${root}.wte.weight`, vocab, hidden);
  const head = await chooseHead(plan, `${root}.ff_out.weight`, table, facts.tied);
  const layers = Array.from({ length: facts.layers }, (_, i): Layer => {
    const at = (name: string) => `${root}.blocks.${i}.${name}`;
    return {
      attentionNorm: plan.norm(at("attn_norm"), hidden, normBias),
      q: plan.linear(at("q_proj"), heads * headDim, hidden, qkvBias),
      k: plan.linear(at("k_proj"), kvHeads * headDim, hidden, qkvBias),
      v: plan.linear(at("v_proj"), kvHeads * headDim, hidden, qkvBias),
      o: plan.linear(at("attn_out"), hidden, heads * headDim, bias),
      mlpNorm: plan.norm(at("ff_norm"), hidden, normBias),
      gate: plan.linear(at("ff_proj"), inter, hidden, bias),
      up: plan.linear(at("up_proj"), inter, hidden, bias),
      down: plan.linear(at("ff_out"), hidden, inter, bias),
      ropeTheta: facts.ropeTheta,
    };
  });
  const finalNorm = plan.norm(`${root}.ln_f`, hidden, normBias);
  const headBias = bias && head.matrix !== table ? plan.vector(`${root}.ff_out.bias`, vocab) : undefined;
  const { tensors, warnings } = plan.finish();
  return {
    facts,
    norm: { kind: "rms", eps: facts.normEps },
    activation: "silu",
    table,
    layers,
    finalNorm,
    head: { matrix: head.matrix, ...(headBias && { bias: headBias }) },
    tensors,
    warnings: [...head.warnings, ...warnings],
  };
}
