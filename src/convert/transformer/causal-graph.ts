import { createGraph, type GraphBuilder } from "../graph/graph.ts";
import type { WeightStyle } from "../weights/weights.ts";
import { rotaryTables } from "./graph-attention.ts";
import { createParts, type GraphParts } from "./graph-parts.ts";
import type { Layer, ModelFacts, Norm, Transformer, Vector } from "./transformer.ts";

/**
 * The graph of an autoregressive model with the inputs and outputs that transformers.js expects of a text generator.
 *
 * Inputs: `input_ids [1, S]`, `attention_mask [1, P + S]`, `position_ids [1, S]`, `past_key_values.i.key` and `.value
 * [1, kvHeads, P, headDim]`; P may be 0. Outputs: `logits [1, S, V]`, `present.i.key` and `.value [1, kvHeads, P + S,
 * headDim]`, keys after RoPE.
 *
 * The batch is 1 and the graph says so: GroupQueryAttention counts the ones of the mask and would silently ignore where
 * they stand, so a padded batch has to be refused.
 *
 * @param positions rows of the rotary tables
 */
export function causalGraph(model: Transformer, style: WeightStyle, positions: number): GraphBuilder {
  const g = createGraph();
  declare(g, model.facts, style.activation);
  const parts = createParts(g, model.norm, style);
  const lengths = keyLengths(g);
  const tables = (theta: number) =>
    rotaryTables(g, model.facts.headDim, theta, { positions, type: style.activation });
  let stream = style.embed(g, model.table, "input_ids");
  let branch: string | undefined;
  const join = (norm: Norm): string => {
    if (branch === undefined) return parts.norm(norm, stream);
    const [normed, sum] = parts.skipNorm(norm, branch, stream);
    stream = sum;
    return normed;
  };
  model.layers.forEach((layer, i) => {
    branch = attend(
      g,
      parts,
      model.facts,
      layer,
      i,
      join(layer.attentionNorm!),
      lengths,
      tables(layer.ropeTheta),
    );
    const x = join(layer.mlpNorm);
    const active = parts.activate(model.activation, parts.linear(layer.gate, x));
    branch = parts.linear(layer.down, g.op("Mul", [active, parts.linear(layer.up!, x)]));
  });
  const rows = g.op("Reshape", [join(model.finalNorm), g.ints([-1, model.facts.hidden])]);
  const logits = style.head(g, model.head.matrix, rows);
  g.op("Reshape", [logits, g.ints([1, -1, model.facts.vocab])], {}, "logits");
  return g;
}

function declare(g: GraphBuilder, facts: ModelFacts, type: "f32" | "f16"): void {
  const { layers, kvHeads, headDim, vocab } = facts;
  g.inputs.push(
    { name: "input_ids", type: "i64", dims: [1, "S"] },
    { name: "attention_mask", type: "i64", dims: [1, "P+S"] },
    { name: "position_ids", type: "i64", dims: [1, "S"] },
  );
  g.outputs.push({ name: "logits", type, dims: [1, "S", vocab] });
  for (let i = 0; i < layers; i++) {
    for (const part of ["key", "value"]) {
      g.inputs.push({ name: `past_key_values.${i}.${part}`, type, dims: [1, kvHeads, "P", headDim] });
      g.outputs.push({ name: `present.${i}.${part}`, type, dims: [1, kvHeads, "P+S", headDim] });
    }
  }
}

/** What GroupQueryAttention wants to know, both i32: the row of the last key, `[1]`, and the number of keys. */
function keyLengths(g: GraphBuilder): readonly [last: string, total: string] {
  const int32 = { to: { int: 6 } };
  const keys = g.op("ReduceSum", ["attention_mask", g.ints([1])], { keepdims: { int: 0 } });
  const size = g.op("Shape", ["attention_mask"], { start: { int: 1 }, end: { int: 2 } });
  const total = g.op("Squeeze", [size]);
  return [g.op("Cast", [g.op("Sub", [keys, g.ints([1])])], int32), g.op("Cast", [total], int32)];
}

/** Causal attention of layer `i`; `x` is `[1, S, hidden]`, and so is the result. */
function attend(
  g: GraphBuilder,
  parts: GraphParts,
  { heads, kvHeads, headDim }: ModelFacts,
  layer: Layer,
  i: number,
  x: string,
  lengths: readonly [string, string],
  tables: readonly string[],
): string {
  const rotate = (y: string, count: number, gamma: Vector | undefined) => {
    let z = y;
    if (gamma !== undefined) {
      const split = g.op("Reshape", [y, g.ints([1, -1, headDim])]);
      z = g.op("Reshape", [parts.rms(gamma, split), g.ints([1, -1, count * headDim])]);
    }
    const attributes = {
      num_heads: { int: count },
      rotary_embedding_dim: { int: headDim },
      interleaved: { int: 0 },
    };
    return g.microsoft("RotaryEmbedding", [z, "position_ids", ...tables], attributes)[0]!;
  };
  const q = rotate(parts.linear(layer.q, x), heads, layer.qNorm);
  const k = rotate(parts.linear(layer.k, x), kvHeads, layer.kNorm);
  const past = [`past_key_values.${i}.key`, `past_key_values.${i}.value`];
  const [mixed = ""] = g.microsoft(
    "GroupQueryAttention",
    [q, k, parts.linear(layer.v, x), ...past, ...lengths],
    { num_heads: { int: heads }, kv_num_heads: { int: kvHeads } },
    [`attention.${i}`, `present.${i}.key`, `present.${i}.value`],
  );
  return parts.linear(layer.o, mixed);
}
