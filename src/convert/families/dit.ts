import { UnmaskError } from "../../core/errors.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { createTensorPlan, type TensorPlan } from "../transformer/tensor-plan.ts";
import type {
  Conditioning,
  Layer,
  Linear,
  ModelFacts,
  Norm,
  Transformer,
  Vector,
} from "../transformer/transformer.ts";
import { checkVocab } from "./check-vocab.ts";
import { type Config, count, flag, headSize, onlyPlain, own, refused } from "./config.ts";
import type { Profile } from "./profiles.ts";

/**
 * The diffusion transformer of MDLM and BD3-LM: LayerNorm, a plain GELU MLP, and AdaLN, which shifts, scales and gates
 * every branch by the noise level. Published models set it to zero (`time_conditioning: false`), so that shift, scale
 * and gate are constants and become norm weights and gates here; others keep an input `sigma`.
 */

export interface DitModel extends ModelFacts {
  readonly adapter: "dit";
  readonly conditioning: "none" | "constant" | "sigma";
  /** Width of the conditioning vector. */
  readonly condDim: number;
}

/** torch's LayerNorm. */
const NORM_EPS = 1e-5;
const ROPE_THETA = 10_000;
const MAX_PERIOD = 10_000;

/** @throws UnmaskError `checkpoint-unsupported`, `checkpoint-invalid` naming the key */
export function describeDit(config: Config, family: string, profile?: Profile): DitModel {
  onlyPlain(config, { causal: [false], scale_by_sigma: [true, false] });
  if (own(config, "num_classes") !== undefined) throw refused("class conditioning (num_classes)");
  const hidden = count(config, "hidden_dim", 65_536);
  const heads = count(config, "n_heads", 1024);
  const vocab = count(config, "vocab_size", Number.MAX_SAFE_INTEGER);
  const timed = flag(config, "time_conditioning", false);
  const adaptive = flag(config, "adaln", true);
  return {
    adapter: "dit",
    family,
    layers: count(config, "n_blocks", 1024),
    hidden,
    heads,
    kvHeads: heads,
    headDim: headSize(hidden, heads, ["hidden_dim", "n_heads"]),
    vocab,
    maxPositions: count(config, "model_length", 16_777_216),
    conditioning: adaptive ? (timed ? "sigma" : "constant") : "none",
    condDim: adaptive ? count(config, "cond_dim", 65_536) : 0,
    tied: false,
    attention: profile?.attention ?? attentionOf(config, family),
    logitsShift: profile?.logitsShift ?? 0,
    impliedMask: vocab - 1,
  };
}

function attentionOf(config: Config, family: string): ModelFacts["attention"] {
  if (family === "mdlm") return { kind: "full" };
  return { kind: "block-causal", block: count(config, "block_size", 1024), align: "absolute" };
}

/** @throws UnmaskError `checkpoint-invalid` naming the tensor */
export async function planDit(checkpoint: Checkpoint, facts: DitModel): Promise<Transformer> {
  const { hidden, vocab } = facts;
  const plan = createTensorPlan(checkpoint);
  const tableName = "backbone.vocab_embed.embedding";
  checkVocab(checkpoint, tableName, "vocab_size", vocab);
  const table = plan.matrix(tableName, vocab, hidden);
  const time = facts.conditioning === "none" ? undefined : timeEmbedding(plan, facts);
  const constant = time !== undefined && facts.conditioning === "constant" ? constantOf(time) : undefined;
  const layers = Array.from({ length: facts.layers }, (_, i) => planLayer(plan, facts, i, constant));
  const output = "backbone.output_layer";
  const finalNorm = plan.norm(`${output}.norm_final`, hidden, false);
  const modulation = time && plan.linear(`${output}.adaLN_modulation`, 2 * hidden, facts.condDim, true);
  const head = plan.linear(`${output}.linear`, vocab, hidden, true);
  const outputParts = constant && modulation && partsOf(constant, modulation, hidden);
  return {
    facts,
    norm: { kind: "layer", eps: NORM_EPS },
    activation: "gelu-tanh",
    table,
    ...(time && modulation && !constant && { conditioning: { ...time, output: modulation } }),
    layers,
    finalNorm: outputParts ? modulated(finalNorm, outputParts[0]!, outputParts[1]!) : finalNorm,
    head,
    ...plan.finish(),
  };
}

function planLayer(plan: TensorPlan, facts: DitModel, i: number, constant?: Constant): Layer {
  const { hidden, condDim } = facts;
  const at = (name: string) => `backbone.blocks.${i}.${name}`;
  const inter = interOf(plan, at("mlp.0.weight"), hidden);
  const [q, k, v] = plan.fused(at("attn_qkv"), [hidden, hidden, hidden], hidden, false);
  const attentionNorm = plan.norm(at("norm1"), hidden, false);
  const mlpNorm = plan.norm(at("norm2"), hidden, false);
  const layer: Layer = {
    attentionNorm,
    q: q!,
    k: k!,
    v: v!,
    o: plan.linear(at("attn_out"), hidden, hidden, false),
    mlpNorm,
    gate: plan.linear(at("mlp.0"), inter, hidden, true),
    down: plan.linear(at("mlp.2"), hidden, inter, true),
    ropeTheta: ROPE_THETA,
  };
  if (facts.conditioning === "none") return layer;
  const modulation = plan.linear(at("adaLN_modulation"), 6 * hidden, condDim, true);
  if (constant === undefined) return { ...layer, modulation };
  const [shift, scale, gate, mlpShift, mlpScale, mlpGate] = partsOf(constant, modulation, hidden);
  return {
    ...layer,
    attentionNorm: modulated(attentionNorm, shift!, scale!),
    attentionGate: gate!,
    mlpNorm: modulated(mlpNorm, mlpShift!, mlpScale!),
    mlpGate: mlpGate!,
  };
}

/** config.json does not tell the width of the MLP; the tensor does. */
function interOf({ checkpoint }: TensorPlan, name: string, hidden: number): number {
  return checkpoint.tensors.get(name)?.shape[0] ?? 4 * hidden;
}

type TimeEmbedding = Omit<Conditioning, "output">;

function timeEmbedding(plan: TensorPlan, { condDim }: DitModel): TimeEmbedding {
  const name = "backbone.sigma_map.mlp.0";
  const inputs = plan.checkpoint.tensors.get(`${name}.weight`)?.shape[1] ?? 256;
  if (inputs === 0 || inputs % 2 !== 0) {
    throw new UnmaskError(
      "checkpoint-invalid",
      `${name}.weight has ${inputs} columns, not pairs of cos and sin.`,
    );
  }
  return {
    first: plan.linear(name, condDim, inputs, true),
    second: plan.linear("backbone.sigma_map.mlp.2", condDim, condDim, true),
    frequencies: {
      name: "sigma.frequencies",
      size: inputs / 2,
      load: async () =>
        Float32Array.from({ length: inputs / 2 }, (_, i) => MAX_PERIOD ** ((-2 * i) / inputs)),
    },
  };
}

/** The conditioning vector `[condDim]` of sigma 0, computed once. */
type Constant = () => Promise<Float64Array>;

function constantOf({ first, second, frequencies: { size } }: TimeEmbedding): Constant {
  let made: Promise<Float64Array> | undefined;
  const make = async () => {
    // cos 0 = 1, sin 0 = 0
    const angles = Float64Array.from({ length: 2 * size }, (_, i) => (i < size ? 1 : 0));
    const inner = (await apply(first, angles)).map(silu);
    return (await apply(second, inner)).map(silu);
  };
  return () => {
    made ??= make();
    return made;
  };
}

/** The parts of a modulation, `hidden` numbers each; the linear map is evaluated once for all of them. */
function partsOf(constant: Constant, linear: Linear, hidden: number): Vector[] {
  let made: Promise<Float64Array> | undefined;
  return Array.from({ length: linear.matrix.n / hidden }, (_, part) => ({
    name: `${linear.matrix.name}.${part}`,
    size: hidden,
    load: async () => {
      made ??= constant().then((c) => apply(linear, c));
      return Float32Array.from((await made).subarray(part * hidden, (part + 1) * hidden));
    },
  }));
}

/** `norm(x) * (1 + scale) + shift` as a norm of its own. */
function modulated({ gamma }: Norm, shift: Vector, scale: Vector): Norm {
  const load = async () => {
    const [weights, factors] = await Promise.all([gamma.load(), scale.load()]);
    return weights.map((weight, i) => weight * (1 + factors[i]!));
  };
  return { gamma: { name: `${gamma.name}.modulated`, size: gamma.size, load }, beta: shift };
}

async function apply({ matrix, bias }: Linear, x: Float64Array): Promise<Float64Array> {
  const weights = await matrix.load();
  const offsets = await bias?.load();
  return Float64Array.from({ length: matrix.n }, (_, row) => {
    let sum = offsets?.[row] ?? 0;
    for (let col = 0; col < matrix.k; col++) sum += weights[row * matrix.k + col]! * x[col]!;
    return sum;
  });
}

function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}
