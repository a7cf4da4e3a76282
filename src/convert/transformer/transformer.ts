import type { Attention } from "../../core/types.ts";
import type { TensorEntry } from "../checkpoint/safetensors.ts";
import type { Matrix } from "../weights/weights.ts";

/** What every part of the converter may ask of a model, whatever its family. Counts are positive and fit together. */
export interface ModelFacts {
  readonly adapter: "qwen-dense" | "llada" | "modernbert" | "dit";
  /** `model_type` of config.json. */
  readonly family: string;
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocab: number;
  readonly maxPositions: number;
  /** What config.json says; the stored tensors decide (see `chooseHead`). */
  readonly tied: boolean;
  readonly attention: Attention;
  /** 1: row i of the raw logits predicts token i + 1. */
  readonly logitsShift: 0 | 1;
  /** The mask id of families whose files need not name it. */
  readonly impliedMask?: number;
  /** The model was trained to end its answers with padding. */
  readonly padEnds?: true;
}

/** A bias, norm or gate vector. */
export interface Vector {
  readonly name: string;
  readonly size: number;
  load(): Promise<Float32Array>;
}

/** `y = x Wᵀ + b` */
export interface Linear {
  readonly matrix: Matrix;
  readonly bias?: Vector;
}

export interface Norm {
  readonly gamma: Vector;
  readonly beta?: Vector;
}

export type Activation = "silu" | "gelu" | "gelu-tanh" | "relu";

/** One pre-norm layer. Query heads stand as in the file: head h uses key head `floor(h / (heads / kvHeads))`. */
export interface Layer {
  /** Absent: the attention reads the stream as it is. */
  readonly attentionNorm?: Norm;
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  readonly o: Linear;
  /** RMS over each head before RoPE. */
  readonly qNorm?: Vector;
  readonly kNorm?: Vector;
  readonly mlpNorm: Norm;
  /** `down(activation(gate x) * up x)`, or `down(activation(gate x))` without `up`. */
  readonly gate: Linear;
  readonly up?: Linear;
  readonly down: Linear;
  readonly ropeTheta: number;
  /** Keys at most this many rows away are seen; absent: all. */
  readonly window?: number;
  /** Factors of the two branches before they join the stream. */
  readonly attentionGate?: Vector;
  readonly mlpGate?: Vector;
  /** From the conditioning vector: shift, scale, gate of the attention, then of the MLP, `hidden` numbers each. */
  readonly modulation?: Linear;
}

/**
 * A model that is told its noise level sigma, `c = silu(second(silu(first([cos, sin](sigma * frequencies)))))`; every
 * norm is then followed by `x * (1 + scale) + shift` (AdaLN).
 */
export interface Conditioning {
  readonly first: Linear;
  readonly second: Linear;
  readonly frequencies: Vector;
  /** Shift and scale of the final norm. */
  readonly output: Linear;
}

/** A transformer whose tensors are all found and checked and none is read: what a family file makes of a checkpoint. */
export interface Transformer {
  readonly facts: ModelFacts;
  readonly norm: { readonly kind: "rms" | "layer"; readonly eps: number };
  readonly activation: Activation;
  readonly table: Matrix;
  readonly embedNorm?: Norm;
  readonly conditioning?: Conditioning;
  readonly layers: readonly Layer[];
  readonly finalNorm: Norm;
  /** Between the final norm and the head. */
  readonly prediction?: { readonly dense: Linear; readonly activation: Activation; readonly norm: Norm };
  /** Its matrix is `table` itself when tied. */
  readonly head: Linear;
  /** All tensors of the above, as stored. */
  readonly tensors: readonly TensorEntry[];
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/** Every matrix but the token table and the head: what q4 stores in 4 bits. */
export function bodyMatrices({ layers, prediction, conditioning }: Transformer): Matrix[] {
  const linears = [
    conditioning?.first,
    conditioning?.second,
    ...layers.flatMap(({ modulation, q, k, v, o, gate, up, down }) => [
      modulation,
      q,
      k,
      v,
      o,
      gate,
      up,
      down,
    ]),
    conditioning?.output,
    prediction?.dense,
  ];
  return linears.flatMap((linear) => (linear === undefined ? [] : [linear.matrix]));
}
