import type { DenseModel } from "../model/families.ts";
import { type DenseLayer, type DenseWeights, foldsInWeights, type Vector } from "./dense-weights.ts";
import { createGraph, type GraphBuilder, type PlannedGraph } from "./graph.ts";
import { floatWeight, type Matrix, type WeightStyle } from "./weights.ts";

export interface GraphOptions {
  /** Name of the data file, relative to the graph. */
  readonly location: string;
  /** Adds the input `attention_bias` `[1, 1, S * rep, P + S]`: block-causal attention. */
  readonly masked: boolean;
  /** Rows of the rotary tables. */
  readonly positions: number;
}

/**
 * The one graph of a dense model (runtime-graph.md, "Recommended graph"): compute S active tokens given P cached keys
 * and values, return logits of L rows and the new keys and values.
 *
 * Inputs: `input_ids [1, S]`, `position_ids [1, S]`, `logit_indices [L]`, `past_k.i` and `past_v.i [1, P, kv]`.
 * Outputs: `logits [L, V]`, `new_k.i` and `new_v.i [1, S, kv]`, keys after RoPE.
 */
export function denseGraph(
  model: DenseModel,
  weights: DenseWeights,
  style: WeightStyle,
  options: GraphOptions,
): PlannedGraph {
  const g = createGraph();
  const kvWidth = model.kvHeads * model.headDim;
  const type = style.activation;
  g.inputs.push(
    { name: "input_ids", type: "i64", dims: [1, "S"] },
    { name: "position_ids", type: "i64", dims: [1, "S"] },
    { name: "logit_indices", type: "i64", dims: ["L"] },
  );
  // The name of the third dimension tells a runtime how many query heads share a key head.
  const queries = `S*${model.heads / model.kvHeads}`;
  if (options.masked) g.inputs.push({ name: "attention_bias", type, dims: [1, 1, queries, "P+S"] });
  g.outputs.push({ name: "logits", type, dims: ["L", model.vocab] });
  for (let i = 0; i < model.layers; i++) {
    for (const part of ["k", "v"]) {
      g.inputs.push({ name: `past_${part}.${i}`, type, dims: [1, "P", kvWidth] });
      g.outputs.push({ name: `new_${part}.${i}`, type, dims: [1, "S", kvWidth] });
    }
  }
  const layer = layerBuilder(g, model, style, options);
  let stream = style.embed(g, weights.table, "input_ids");
  let normed = "";
  weights.layers.forEach((part, i) => {
    if (i === 0) normed = layer.norm(part.inputNorm, stream);
    const attended = layer.attention(part, i, normed);
    [normed, stream] = layer.skipNorm(part.mlpNorm, attended, stream);
    const fed = layer.mlp(part, normed);
    const next = weights.layers[i + 1];
    if (next === undefined) stream = g.op("Add", [fed, stream]);
    else [normed, stream] = layer.skipNorm(next.inputNorm, fed, stream);
  });
  const rows = g.op("Gather", [stream, "logit_indices"], { axis: { int: 1 } });
  const last = g.op("Reshape", [layer.norm(weights.finalNorm, rows), g.ints([-1, model.hidden])]);
  style.head(g, weights.head, last, "logits");
  return g.finish(options.location);
}

function layerBuilder(g: GraphBuilder, model: DenseModel, style: WeightStyle, options: GraphOptions) {
  const { heads, kvHeads, headDim } = model;
  const width = heads * headDim;
  const kvWidth = kvHeads * headDim;
  const rep = heads / kvHeads;
  const type = style.activation;
  const rotary = rotaryTables(g, model, options.positions, type);
  const normAttributes = { axis: { int: -1 }, epsilon: { float: model.normEps }, stash_type: { int: 1 } };
  const vector = ({ name, size, load }: Vector) => g.weight(floatWeight(name, [size], type, load));
  const norm = (gamma: Vector, x: string) =>
    g.op("SimplifiedLayerNormalization", [x, vector(gamma)], normAttributes);

  const linear = (matrix: Matrix, bias: Vector | undefined, x: string, output?: string) => {
    const y = style.linear(g, matrix, x);
    // An Identity gives a cached value its output name; ORT removes it.
    if (bias !== undefined) return g.op("Add", [y, vector(bias)], {}, output);
    return output === undefined ? y : g.op("Identity", [y], {}, output);
  };

  /** Norm over each head, then RoPE over all of them. */
  const rotate = (x: string, count: number, gamma: Vector | undefined, output?: string) => {
    let y = x;
    if (gamma !== undefined) {
      const split = g.op("Reshape", [x, g.ints([1, -1, headDim])]);
      y = g.op("Reshape", [norm(gamma, split), g.ints([1, -1, count * headDim])]);
    }
    const attributes = {
      num_heads: { int: count },
      rotary_embedding_dim: { int: headDim },
      interleaved: { int: 0 },
    };
    const outputs = output === undefined ? undefined : [output];
    return g.microsoft("RotaryEmbedding", [y, "position_ids", ...rotary], attributes, outputs)[0]!;
  };

  /** `[1, S * rep, kv]` back to `[1, S, width]`; when o_proj keeps its own head order, so do the activations. */
  const unfold = (x: string) => {
    if (rep === 1 || foldsInWeights(model)) return g.op("Reshape", [x, g.ints([1, -1, width])]);
    const split = g.op("Reshape", [x, g.ints([1, -1, rep, kvHeads, headDim])]);
    const swapped = g.op("Transpose", [split], { perm: { ints: [0, 1, 3, 2, 4] } });
    return g.op("Reshape", [swapped, g.ints([1, -1, width])]);
  };

  const attention = (layer: DenseLayer, i: number, x: string) => {
    const q = rotate(linear(layer.q, layer.qBias, x), heads, layer.qNorm);
    const k = rotate(linear(layer.k, layer.kBias, x), kvHeads, layer.kNorm, `new_k.${i}`);
    const v = linear(layer.v, layer.vBias, x, `new_v.${i}`);
    const keys = g.op("Concat", [`past_k.${i}`, k], { axis: { int: 1 } });
    const values = g.op("Concat", [`past_v.${i}`, v], { axis: { int: 1 } });
    const folded = g.op("Reshape", [q, g.ints([1, -1, kvWidth])]);
    const inputs = [folded, keys, values, ...(options.masked ? ["", "", "attention_bias"] : [])];
    const [mixed = ""] = g.microsoft("MultiHeadAttention", inputs, { num_heads: { int: kvHeads } });
    return linear(layer.o, layer.oBias, unfold(mixed));
  };

  return {
    norm,
    attention,
    /** `[norm(x + skip), x + skip]`. */
    skipNorm: (gamma: Vector, x: string, skip: string): [string, string] => {
      const outputs = [`${gamma.name}.normed`, "", "", `${gamma.name}.sum`];
      g.microsoft(
        "SkipSimplifiedLayerNormalization",
        [x, skip, vector(gamma)],
        { epsilon: { float: model.normEps } },
        outputs,
      );
      return [outputs[0]!, outputs[3]!];
    },
    /** SwiGLU: `down(silu(gate x) * up x)`. */
    mlp: (layer: DenseLayer, x: string) => {
      const gate = style.linear(g, layer.gate, x);
      const active = g.op("Mul", [gate, g.op("Sigmoid", [gate])]);
      return style.linear(g, layer.down, g.op("Mul", [active, style.linear(g, layer.up, x)]));
    },
  };
}

/** cos and sin of `position * theta^(-2j / headDim)`, `[positions, headDim / 2]`. */
function rotaryTables(
  g: GraphBuilder,
  model: DenseModel,
  positions: number,
  type: "f32" | "f16",
): [string, string] {
  const half = model.headDim / 2;
  const table = (name: string, wave: (angle: number) => number) =>
    g.weight(
      floatWeight(`rotary.${name}`, [positions, half], type, async () =>
        Float32Array.from({ length: positions * half }, (_, at) => {
          const frequency = Math.fround(model.ropeTheta ** ((-2 * (at % half)) / model.headDim));
          return wave(Math.fround(Math.floor(at / half) * frequency));
        }),
      ),
    );
  return [table("cos", Math.cos), table("sin", Math.sin)];
}
