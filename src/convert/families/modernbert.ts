import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { chooseHead } from "../transformer/head.ts";
import { createTensorPlan } from "../transformer/tensor-plan.ts";
import type { Activation, Layer, ModelFacts, Transformer } from "../transformer/transformer.ts";
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
 * ModernBERT trained as a diffusion model (BERT-Chat): LayerNorm, GeGLU, full attention in every n-th layer and a
 * sliding window in the others, a prediction head before the tied decoder.
 */

export interface ModernBertModel extends ModelFacts {
  readonly adapter: "modernbert";
  readonly inter: number;
  readonly normEps: number;
  /** Of each layer: keys at most this many rows away are seen; null: all. */
  readonly windows: readonly (number | null)[];
  readonly globalTheta: number;
  readonly localTheta: number;
  readonly activation: Activation;
  readonly headActivation: Activation;
  readonly biases: Readonly<Record<"norm" | "attention" | "mlp" | "dense" | "decoder", boolean>>;
}

const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  gelu: "gelu",
  gelu_new: "gelu-tanh",
  gelu_pytorch_tanh: "gelu-tanh",
  gelu_fast: "gelu-tanh",
  silu: "silu",
  swish: "silu",
  relu: "relu",
};

/** @throws UnmaskError `checkpoint-unsupported`, `checkpoint-invalid` naming the key */
export function describeModernBert(config: Config, family: string, profile?: Profile): ModernBertModel {
  onlyPlain(config, { position_embedding_type: ["absolute", "rope", "sans_pos"] });
  const hidden = count(config, "hidden_size", 65_536);
  const heads = count(config, "num_attention_heads", 1024);
  const layers = count(config, "num_hidden_layers", 1024);
  const thetas = ropeThetas(config);
  return {
    adapter: "modernbert",
    family,
    layers,
    hidden,
    inter: count(config, "intermediate_size", 262_144),
    heads,
    kvHeads: heads,
    headDim: headSize(hidden, heads, ["hidden_size", "num_attention_heads"]),
    vocab: count(config, "vocab_size", Number.MAX_SAFE_INTEGER),
    normEps: positive(config, "norm_eps", 1e-5),
    windows: windowsOf(config, layers),
    globalTheta: thetas.global,
    localTheta: thetas.local,
    maxPositions: count(config, "max_position_embeddings", 16_777_216),
    activation: activation(config, "hidden_activation"),
    headActivation: activation(config, "classifier_activation"),
    biases: {
      norm: flag(config, "norm_bias", false),
      attention: flag(config, "attention_bias", false),
      mlp: flag(config, "mlp_bias", false),
      dense: flag(config, "classifier_bias", false),
      decoder: flag(config, "decoder_bias", true),
    },
    tied: flag(config, "tie_word_embeddings", true),
    attention: profile?.attention ?? { kind: "full" },
    logitsShift: profile?.logitsShift ?? 0,
    padEnds: true,
  };
}

/** Half of `local_attention` on each side, inclusive, in the layers that `layer_types` or the period names. */
function windowsOf(config: Config, layers: number): (number | null)[] {
  const window = Math.floor(count(config, "local_attention", 16_777_216, 128) / 2);
  const types = own(config, "layer_types");
  if (types === undefined) {
    const period = count(config, "global_attn_every_n_layers", 1024, 3);
    return Array.from({ length: layers }, (_, i) => (i % period === 0 ? null : window));
  }
  if (!Array.isArray(types) || types.length !== layers) {
    throw invalid(`layer_types does not name ${layers} layers (num_hidden_layers)`);
  }
  return types.map((type: unknown) => {
    if (type === "full_attention") return null;
    if (type === "sliding_attention") return window;
    throw refused(`the layer type ${JSON.stringify(type)?.slice(0, 40)} (layer_types)`);
  });
}

/** `rope_parameters` by layer type (newer files), or `global_rope_theta` and `local_rope_theta`. */
function ropeThetas(config: Config): { global: number; local: number } {
  const scaling = nested(config, "rope_scaling");
  if (scaling !== undefined) plainRope(scaling, "rope_scaling", 1);
  const base = positive(config, "global_rope_theta", 160_000);
  // A null local theta means the global one; an absent key, the default.
  const localBase =
    Object.hasOwn(config, "local_rope_theta") && config["local_rope_theta"] === null
      ? base
      : positive(config, "local_rope_theta", 10_000);
  const scopes = nested(config, "rope_parameters");
  if (scopes === undefined) return { global: base, local: localBase };
  const theta = (key: string, fallback: number) => {
    const scope = nested(scopes, key);
    return scope === undefined ? fallback : plainRope(scope, `rope_parameters.${key}`, fallback);
  };
  if (own(scopes, "rope_type") !== undefined || own(scopes, "rope_theta") !== undefined) {
    const shared = plainRope(scopes, "rope_parameters", base);
    return { global: shared, local: localBase };
  }
  return { global: theta("full_attention", base), local: theta("sliding_attention", localBase) };
}

function activation(config: Config, key: string): Activation {
  const name = own(config, key) ?? "gelu";
  const found = typeof name === "string" && Object.hasOwn(ACTIVATIONS, name) ? ACTIVATIONS[name] : undefined;
  if (found === undefined) throw refused(`the activation ${JSON.stringify(name)?.slice(0, 40)} (${key})`);
  return found;
}

/** @throws UnmaskError `checkpoint-invalid` naming the tensor */
export async function planModernBert(checkpoint: Checkpoint, facts: ModernBertModel): Promise<Transformer> {
  const { hidden, inter, vocab, biases } = facts;
  const plan = createTensorPlan(checkpoint);
  const tableName = "model.embeddings.tok_embeddings.weight";
  checkVocab(checkpoint, tableName, "vocab_size", vocab);
  const table = plan.matrix(tableName, vocab, hidden);
  const head = await chooseHead(plan, "decoder.weight", table, facts.tied);
  const layers = facts.windows.map((window, i): Layer => {
    const at = (name: string) => `model.layers.${i}.${name}`;
    const thirds = [hidden, hidden, hidden];
    const [q, k, v] = plan.fused(at("attn.Wqkv"), thirds, hidden, biases.attention);
    const [gate, up] = plan.fused(at("mlp.Wi"), [inter, inter], hidden, biases.mlp);
    return {
      // The embedding norm stands before the first layer already.
      ...(i > 0 && { attentionNorm: plan.norm(at("attn_norm"), hidden, biases.norm) }),
      q: q!,
      k: k!,
      v: v!,
      o: plan.linear(at("attn.Wo"), hidden, hidden, biases.attention),
      mlpNorm: plan.norm(at("mlp_norm"), hidden, biases.norm),
      gate: gate!,
      up: up!,
      down: plan.linear(at("mlp.Wo"), hidden, inter, biases.mlp),
      ropeTheta: window === null ? facts.globalTheta : facts.localTheta,
      ...(window !== null && { window }),
    };
  });
  const embedNorm = plan.norm("model.embeddings.norm", hidden, biases.norm);
  const finalNorm = plan.norm("model.final_norm", hidden, biases.norm);
  const prediction = {
    dense: plan.linear("head.dense", hidden, hidden, biases.dense),
    activation: facts.headActivation,
    norm: plan.norm("head.norm", hidden, biases.norm),
  };
  const bias = biases.decoder ? plan.vector("decoder.bias", vocab) : undefined;
  const { tensors, warnings } = plan.finish();
  return {
    facts,
    norm: { kind: "layer", eps: facts.normEps },
    activation: facts.activation,
    table,
    embedNorm,
    layers,
    finalNorm,
    prediction,
    head: { matrix: head.matrix, ...(bias && { bias }) },
    tensors,
    warnings: [...head.warnings, ...warnings],
  };
}
