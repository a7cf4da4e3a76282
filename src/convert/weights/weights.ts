import { toHalf } from "../../math/half.ts";
import type { GraphBuilder, Weight } from "../graph/graph.ts";

/** A linear map of the checkpoint, `[n, k]` row-major: `y = x Wᵀ`. */
export interface Matrix {
  readonly name: string;
  readonly n: number;
  readonly k: number;
  load(): Promise<Float32Array>;
  /** Rows `[start, start + count)` alone, where they can be had without the others. */
  rows?(start: number, count: number): Promise<Float32Array>;
}

/** 8 MB of f32: few enough requests to a server far away, and small beside a runtime. */
const BLOCK_VALUES = 1 << 21;

/**
 * A matrix in blocks of whole rows, in order; the next block is read while the consumer works on this one. A matrix
 * without `rows` is loaded once and cut.
 */
export async function* rowBlocks(
  matrix: Matrix,
): AsyncGenerator<{ readonly rows: number; readonly values: Float32Array }> {
  const { n, k } = matrix;
  const rows = Math.max(1, Math.floor(BLOCK_VALUES / k));
  const whole = matrix.rows === undefined ? await matrix.load() : undefined;
  const read = (start: number): Promise<Float32Array> => {
    const count = Math.min(rows, n - start);
    const block =
      matrix.rows?.(start, count) ?? Promise.resolve(whole!.subarray(start * k, (start + count) * k));
    // A consumer may stop before it comes to this block.
    block.catch(() => {});
    return block;
  };
  let next = read(0);
  for (let start = 0; start < n; start += rows) {
    const values = await next;
    if (start + rows < n) next = read(start + rows);
    yield { rows: values.length / k, values };
  }
}

/**
 * How the matrices of a model are stored and multiplied: the only difference between the variants of a graph. The
 * token table and the output head are told apart from the rest because they are quantised to 8 bits, and shared when
 * tied.
 */
export interface WeightStyle {
  /** Element type of activations, norms and caches; logits are f32 in every style. */
  readonly activation: "f32" | "f16";
  /** ids `[1, S]` to `[1, S, k]`. */
  embed(g: GraphBuilder, table: Matrix, ids: string): string;
  /** `[1, S, k]` to `[1, S, n]`. */
  linear(g: GraphBuilder, matrix: Matrix, x: string): string;
  /** `[L, k]` to f32 `[L, n]`, named `output` if given; `matrix` is the table itself when tied. */
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
    load: async () => encodeFloats(await load(), type, () => overflow(name)),
  };
}

/** Bytes of `values` in the type; `overflow` hears when f16 cannot hold them all. */
export function encodeFloats(values: Float32Array, type: "f32" | "f16", overflow: () => void): Uint8Array {
  return type === "f32" ? bytesOf(values) : bytesOf(toHalf(clampToHalf(values, overflow)));
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
