import { createGraph, type DataShard, type GraphBuilder, type PlannedGraph } from "../graph/graph.ts";
import { floatWeight, type WeightStyle } from "../weights/weights.ts";
import { createAttention } from "./graph-attention.ts";
import { createParts, type GraphParts } from "./graph-parts.ts";
import type { Conditioning, Layer, Linear, Norm, Transformer, Vector } from "./transformer.ts";

export interface GraphOptions {
  /** Name of the data file, relative to the graph. */
  readonly location: string;
  /** Adds the input `attention_bias` `[1, 1, S * rep, P + S]`: block-causal attention. */
  readonly masked: boolean;
  /** Rows of the rotary tables. */
  readonly positions: number;
  /** Data files of another graph of the same model, whose weights are used where they are the same. */
  readonly shared?: readonly DataShard[];
}

/**
 * The one graph of every family (runtime-graph.md, "Recommended graph"): compute S active tokens of each of B canvases
 * given P cached keys and values of each, return logits of L rows and the new keys and values.
 *
 * Inputs: `input_ids [B, S]`, `position_ids [B, S]`, `logit_indices [L]` into the B * S rows in order, `past_k.i` and
 * `past_v.i [B, P, kv]`; models with windows take `key_rows [1, P + S]`, the canvas rows of all keys, which then are those
 * of every canvas, as an attention bias is. Models told their noise level take `sigma [1]`, so their B is 1.
 * Outputs: `logits [L, V]`, `new_k.i` and `new_v.i [B, S, kv]`, keys after RoPE.
 */
export function transformerGraph(
  model: Transformer,
  style: WeightStyle,
  options: GraphOptions,
): PlannedGraph {
  const g = createGraph();
  declare(g, model, style, options);
  const parts = createParts(g, model.norm, style);
  const { masked, positions } = options;
  const attend = createAttention(g, parts, model.facts, { type: style.activation, masked, positions });
  const split = model.conditioning && conditioned(g, parts, model.conditioning, style);
  let stream = style.embed(g, model.table, "input_ids");
  if (model.embedNorm !== undefined) stream = parts.norm(model.embedNorm, stream);
  // A branch joins the stream together with the norm that follows it.
  let branch: string | undefined;
  const join = (norm: Norm | undefined): string => {
    let normed: string | undefined;
    if (branch !== undefined && norm !== undefined) [normed, stream] = parts.skipNorm(norm, branch, stream);
    else if (branch !== undefined) stream = g.op("Add", [branch, stream]);
    branch = undefined;
    return normed ?? (norm === undefined ? stream : parts.norm(norm, stream));
  };
  model.layers.forEach((layer, i) => {
    const { modulation } = layer;
    const now = split && modulation ? split(modulation, 6) : [];
    const gated = (y: string, constant: Vector | undefined, gate = constant && parts.vector(constant)) =>
      gate === undefined ? y : g.op("Mul", [y, gate]);
    const attended = attend(layer, i, modulate(g, style, join(layer.attentionNorm), now[0], now[1]));
    branch = gated(attended, layer.attentionGate, now[2]);
    const fed = mlp(g, parts, model, layer, modulate(g, style, join(layer.mlpNorm), now[3], now[4]));
    branch = gated(fed, layer.mlpGate, now[5]);
  });
  join(undefined);
  const flat = g.op("Reshape", [stream, g.ints([1, -1, model.facts.hidden])]);
  const rows = g.op("Gather", [flat, "logit_indices"], { axis: { int: 1 } });
  const [shift, scale] = split && model.conditioning ? split(model.conditioning.output, 2) : [];
  let last = modulate(g, style, parts.norm(model.finalNorm, rows), shift, scale);
  if (model.prediction !== undefined) {
    const { dense, activation, norm } = model.prediction;
    last = parts.norm(norm, parts.activate(activation, parts.linear(dense, last)));
  }
  finishHead(g, model, style, g.op("Reshape", [last, g.ints([-1, model.facts.hidden])]));
  return g.finish(options.location, options.shared);
}

function declare(g: GraphBuilder, model: Transformer, style: WeightStyle, { masked }: GraphOptions): void {
  const { layers, heads, kvHeads, headDim, vocab } = model.facts;
  const type = style.activation;
  // The name tells a runtime that several canvases fit.
  const batch = model.conditioning === undefined ? "B" : 1;
  g.inputs.push(
    { name: "input_ids", type: "i64", dims: [batch, "S"] },
    { name: "position_ids", type: "i64", dims: [batch, "S"] },
    { name: "logit_indices", type: "i64", dims: ["L"] },
  );
  // The name of the third dimension tells a runtime how many query heads share a key head.
  if (masked) g.inputs.push({ name: "attention_bias", type, dims: [1, 1, `S*${heads / kvHeads}`, "P+S"] });
  if (hasWindows(model)) g.inputs.push({ name: "key_rows", type: "i64", dims: [1, "P+S"] });
  if (model.conditioning !== undefined) g.inputs.push({ name: "sigma", type: "f32", dims: [1] });
  g.outputs.push({ name: "logits", type: "f32", dims: ["L", vocab] });
  for (let i = 0; i < layers; i++) {
    for (const part of ["k", "v"]) {
      g.inputs.push({ name: `past_${part}.${i}`, type, dims: [batch, "P", kvHeads * headDim] });
      g.outputs.push({ name: `new_${part}.${i}`, type, dims: [batch, "S", kvHeads * headDim] });
    }
  }
}

/** Whether the graph of a model takes `key_rows`. */
export function hasWindows({ layers }: Transformer): boolean {
  return layers.some(({ window }) => window !== undefined);
}

/** `down(activation(gate x) * up x)`, or without `up`. */
function mlp(
  g: GraphBuilder,
  parts: GraphParts,
  { activation }: Transformer,
  layer: Layer,
  x: string,
): string {
  const active = parts.activate(activation, parts.linear(layer.gate, x));
  const inner = layer.up === undefined ? active : g.op("Mul", [active, parts.linear(layer.up, x)]);
  return parts.linear(layer.down, inner);
}

/** `x * (1 + scale) + shift`, where there are any. */
function modulate(g: GraphBuilder, style: WeightStyle, x: string, shift?: string, scale?: string): string {
  if (shift === undefined || scale === undefined) return x;
  const factor = g.op("Add", [scale, g.scalar(1, style.activation)]);
  return g.op("Add", [g.op("Mul", [x, factor]), shift]);
}

/** From `sigma [1]` to the conditioning vector; the result evaluates a linear map of it and cuts it into `parts`. */
function conditioned(
  g: GraphBuilder,
  parts: GraphParts,
  { first, second, frequencies }: Conditioning,
  style: WeightStyle,
) {
  const { name, size, load } = frequencies;
  const angles = g.op("Mul", ["sigma", g.weight(floatWeight(name, [1, size], "f32", load))]);
  const waves = g.op("Concat", [g.op("Cos", [angles]), g.op("Sin", [angles])], { axis: { int: 1 } });
  const input = style.activation === "f32" ? waves : g.op("Cast", [waves], { to: { int: 10 } });
  const inner = parts.activate("silu", parts.linear(first, input));
  const vector = parts.activate("silu", parts.linear(second, inner));
  return (linear: Linear, count: number): string[] => {
    const all = parts.linear(linear, vector);
    const width = linear.matrix.n / count;
    return Array.from({ length: count }, (_, part) =>
      g.op("Slice", [all, g.ints([part * width]), g.ints([(part + 1) * width]), g.ints([1])]),
    );
  };
}

function finishHead(
  g: GraphBuilder,
  { head: { matrix, bias } }: Transformer,
  style: WeightStyle,
  x: string,
): void {
  if (bias === undefined) {
    style.head(g, matrix, x, "logits");
    return;
  }
  const { name, size, load } = bias;
  const shift = g.weight(floatWeight(name, [size], "f32", load));
  g.op("Add", [style.head(g, matrix, x), shift], {}, "logits");
}
