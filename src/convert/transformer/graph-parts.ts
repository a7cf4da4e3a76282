import type { Attributes, GraphBuilder } from "../graph/graph.ts";
import { floatWeight, type WeightStyle } from "../weights/weights.ts";
import type { Activation, Linear, Norm, Transformer, Vector } from "./transformer.ts";

/** The small nodes every transformer is made of, in one weight style. */
export interface GraphParts {
  vector(vector: Vector): string;
  linear(linear: Linear, x: string, output?: string): string;
  norm(norm: Norm, x: string): string;
  /** `[norm(x + skip), x + skip]`. */
  skipNorm(norm: Norm, x: string, skip: string): [normed: string, sum: string];
  /** RMS over the last axis, whatever the norms of the model are. */
  rms(gamma: Vector, x: string): string;
  activate(activation: Activation, x: string): string;
}

export function createParts(
  g: GraphBuilder,
  { kind, eps }: Transformer["norm"],
  style: WeightStyle,
): GraphParts {
  const type = style.activation;
  const vector = ({ name, size, load }: Vector) => g.weight(floatWeight(name, [size], type, load));
  const attributes: Attributes = { axis: { int: -1 }, epsilon: { float: eps }, stash_type: { int: 1 } };
  const rms = (gamma: Vector, x: string) =>
    g.op("SimplifiedLayerNormalization", [x, vector(gamma)], attributes);
  const shift = ({ beta }: Norm, y: string) => (beta === undefined ? y : g.op("Add", [y, vector(beta)]));
  const norm = (made: Norm, x: string) => {
    if (kind === "rms") return shift(made, rms(made.gamma, x));
    const beta = made.beta === undefined ? [] : [vector(made.beta)];
    return g.op("LayerNormalization", [x, vector(made.gamma), ...beta], attributes);
  };
  return {
    vector,
    rms,
    norm,
    linear: ({ matrix, bias }, x, output) => {
      const y = style.linear(g, matrix, x);
      // An Identity gives a cached value its output name; ORT removes it.
      if (bias !== undefined) return g.op("Add", [y, vector(bias)], {}, output);
      return output === undefined ? y : g.op("Identity", [y], {}, output);
    },
    skipNorm: (made, x, skip) => {
      if (kind === "layer") {
        const sum = g.op("Add", [x, skip]);
        return [norm(made, sum), sum];
      }
      // Fused from the start: decomposed, x² overflows f16.
      const outputs = [`${made.gamma.name}.normed`, "", "", `${made.gamma.name}.sum`];
      const ins = [x, skip, vector(made.gamma)];
      g.microsoft("SkipSimplifiedLayerNormalization", ins, { epsilon: { float: eps } }, outputs);
      return [shift(made, outputs[0]!), outputs[3]!];
    },
    activate: (activation, x) => {
      switch (activation) {
        case "silu":
          return g.op("Mul", [x, g.op("Sigmoid", [x])]);
        case "gelu":
          return g.op("Gelu", [x], { approximate: { string: "none" } });
        case "gelu-tanh":
          return g.op("Gelu", [x], { approximate: { string: "tanh" } });
        case "relu":
          return g.op("Relu", [x]);
      }
    },
  };
}
