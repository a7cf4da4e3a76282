import type { GraphBuilder } from "../graph/graph.ts";
import { floatWeight } from "../weights/weights.ts";
import { foldOutput, foldQuery, foldsInWeights } from "./fold-heads.ts";
import type { GraphParts } from "./graph-parts.ts";
import type { Layer, ModelFacts, Vector } from "./transformer.ts";

export interface AttentionOptions {
  readonly type: "f32" | "f16";
  /** The graph has the input `attention_bias`. */
  readonly masked: boolean;
  /** Rows of the rotary tables. */
  readonly positions: number;
}

/** Attention of layer `i` over its cached and its new keys; `x` is `[B, S, hidden]`, and so is the result. */
export type BuildAttention = (layer: Layer, i: number, x: string) => string;

export function createAttention(
  g: GraphBuilder,
  parts: GraphParts,
  facts: ModelFacts,
  options: AttentionOptions,
): BuildAttention {
  const { heads, kvHeads, headDim } = facts;
  const width = heads * headDim;
  const rep = heads / kvHeads;
  const windows = new Map<number, string>();
  const biasOf = (window: number | undefined): string | undefined => {
    const given = options.masked ? "attention_bias" : undefined;
    if (window === undefined) return given;
    const own = windows.get(window) ?? windowBias(g, window, options.type);
    windows.set(window, own);
    return given === undefined ? own : g.op("Add", [given, own]);
  };

  /** Norm over each head, then RoPE over all of them. */
  const rotate = (x: string, count: number, theta: number, gamma?: Vector, output?: string) => {
    let y = x;
    if (gamma !== undefined) {
      const split = g.op("Reshape", [x, g.ints([0, -1, headDim])]);
      y = g.op("Reshape", [parts.rms(gamma, split), g.ints([0, -1, count * headDim])]);
    }
    const attributes = {
      num_heads: { int: count },
      rotary_embedding_dim: { int: headDim },
      interleaved: { int: 0 },
    };
    const inputs = [y, "position_ids", ...rotaryTables(g, headDim, theta, options)];
    return g.microsoft(
      "RotaryEmbedding",
      inputs,
      attributes,
      output === undefined ? undefined : [output],
    )[0]!;
  };

  /** `[B, S * rep, kv]` back to `[B, S, width]`; where o keeps its own head order, the activations are reordered. */
  const unfold = (x: string) => {
    if (rep === 1 || foldsInWeights(facts)) return g.op("Reshape", [x, g.ints([0, -1, width])]);
    const split = g.op("Reshape", [x, g.ints([0, -1, rep, kvHeads, headDim])]);
    const swapped = g.op("Transpose", [split], { perm: { ints: [0, 1, 3, 2, 4] } });
    return g.op("Reshape", [swapped, g.ints([0, -1, width])]);
  };

  return (layer, i, x) => {
    const { ropeTheta } = layer;
    const q = rotate(parts.linear(foldQuery(layer.q, facts), x), heads, ropeTheta, layer.qNorm);
    const k = rotate(parts.linear(layer.k, x), kvHeads, ropeTheta, layer.kNorm, `new_k.${i}`);
    const v = parts.linear(layer.v, x, `new_v.${i}`);
    const keys = g.op("Concat", [`past_k.${i}`, k], { axis: { int: 1 } });
    const values = g.op("Concat", [`past_v.${i}`, v], { axis: { int: 1 } });
    const folded = g.op("Reshape", [q, g.ints([0, -1, kvHeads * headDim])]);
    const bias = biasOf(layer.window);
    const inputs = [folded, keys, values, ...(bias === undefined ? [] : ["", "", bias])];
    const [mixed = ""] = g.microsoft("MultiHeadAttention", inputs, { num_heads: { int: kvHeads } });
    return parts.linear(foldOutput(layer.o, facts), unfold(mixed));
  };
}

/**
 * `[1, 1, S, P + S]`: 0 where query and key are at most `window` rows apart, closed elsewhere. Rows come from the input
 * `key_rows [1, P + S]`, whose last S are those of the queries.
 */
function windowBias(g: GraphBuilder, window: number, type: "f32" | "f16"): string {
  const closed = type === "f32" ? 1e9 : 3e4;
  const keys = g.op("Cast", ["key_rows"], { to: { int: 1 } });
  const size = g.op("Shape", ["input_ids"], { start: { int: 1 } });
  const start = g.op("Neg", [size]);
  const queries = g.op("Slice", [keys, start, g.ints([Number.MAX_SAFE_INTEGER]), g.ints([1])]);
  const across = g.op("Reshape", [keys, g.ints([1, 1, 1, -1])]);
  const down = g.op("Reshape", [queries, g.ints([1, 1, -1, 1])]);
  const distance = g.op("Abs", [g.op("Sub", [down, across])]);
  // Positive inside the window, at most -1/2 outside: times twice the closed value, and cut at 0 and there.
  const inside = g.op("Sub", [g.scalar(window + 0.5, "f32"), distance]);
  const steep = g.op("Mul", [inside, g.scalar(2 * closed, "f32")]);
  const bias = g.op("Clip", [steep, g.scalar(-closed, "f32"), g.scalar(0, "f32")]);
  return type === "f32" ? bias : g.op("Cast", [bias], { to: { int: 10 } });
}

/** cos and sin of `position * theta^(-2j / headDim)`, `[positions, headDim / 2]` each. */
export function rotaryTables(
  g: GraphBuilder,
  headDim: number,
  theta: number,
  { positions, type }: Pick<AttentionOptions, "positions" | "type">,
): string[] {
  const half = headDim / 2;
  const table = (name: string, wave: (angle: number) => number) =>
    g.weight(
      floatWeight(`rotary.${theta}.${name}`, [positions, half], type, async () =>
        Float32Array.from({ length: positions * half }, (_, at) => {
          const frequency = Math.fround(theta ** ((-2 * (at % half)) / headDim));
          return wave(Math.fround(Math.floor(at / half) * frequency));
        }),
      ),
    );
  return [table("cos", Math.cos), table("sin", Math.sin)];
}
