import { toHalf } from "../math/half.ts";
import type { GraphBuilder, Weight } from "./graph.ts";

/** A linear map of the checkpoint, `[n, k]` row-major: `y = x Wᵀ`. */
export interface Matrix {
  readonly name: string;
  readonly n: number;
  readonly k: number;
  load(): Promise<Float32Array>;
}

/**
 * How the matrices of a model are stored and multiplied: the only difference between the variants of a graph. The
 * token table and the output head are told apart from the rest because they are quantised to 8 bits, and shared when
 * tied.
 */
export interface WeightStyle {
  /** Element type of activations, norms, caches and logits. */
  readonly activation: "f32" | "f16";
  /** ids `[1, S]` to `[1, S, k]`. */
  embed(g: GraphBuilder, table: Matrix, ids: string): string;
  /** `[1, S, k]` to `[1, S, n]`. */
  linear(g: GraphBuilder, matrix: Matrix, x: string): string;
  /** `[L, k]` to `[L, n]`, named `output` if given; `matrix` is the table itself when tied. */
  head(g: GraphBuilder, matrix: Matrix, x: string, output?: string): string;
}

/** A weight of floats, stored in the type of the activations. `overflow` hears of values f16 cannot hold. */
export function floatWeight(
  name: string,
  dims: readonly number[],
  type: "f32" | "f16",
  load: () => Promise<Float32Array>,
  overflow: (name: string) => void = () => {},
): Weight {
  const count = dims.reduce((product, dim) => product * dim, 1);
  return {
    name,
    type,
    dims,
    bytes: count * (type === "f32" ? 4 : 2),
    load: async () => {
      const values = await load();
      return type === "f32" ? bytesOf(values) : bytesOf(toHalf(clampToHalf(values, () => overflow(name))));
    },
  };
}

export function bytesOf(array: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function clampToHalf(values: Float32Array, overflow: () => void): Float32Array {
  const largest = 65_504;
  if (!values.some((value) => Math.abs(value) > largest)) return values;
  overflow();
  return values.map((value) => Math.min(largest, Math.max(-largest, value)));
}
