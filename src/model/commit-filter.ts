import { UnmaskError } from "../core/errors.ts";
import { fromHalf, toHalf } from "../math/half.ts";

/** A two-layer perceptron from the confidences of a block to one logit a cell; ReLU between the layers (Learn2PD). */
export interface CommitFilter {
  /** Cells of a block. */
  readonly size: number;
  /** `[hidden, size]` */
  readonly w1: readonly (readonly number[])[];
  /** `[hidden]` */
  readonly b1: readonly number[];
  /** `[size, hidden]` */
  readonly w2: readonly (readonly number[])[];
  /** `[size]` */
  readonly b2: readonly number[];
}

/** A filter as a bundle holds it: for one variant of the weights and one size of blocks. */
export interface StoredFilter {
  readonly variant: string;
  readonly block: number;
  readonly hidden: number;
  /** f16 numbers, four hexadecimal digits each: w1, b1, w2, b2, row by row. */
  readonly weights: string;
}

/** Rounds to f16. */
export function storeFilter({ size, w1, b1, w2, b2 }: CommitFilter, variant: string): StoredFilter {
  const halves = toHalf(Float32Array.from([...w1.flat(), ...b1, ...w2.flat(), ...b2]));
  const weights = Array.from(halves, (bits) => bits.toString(16).padStart(4, "0")).join("");
  return { variant, block: size, hidden: b1.length, weights };
}

/** @throws UnmaskError `manifest-invalid` when the weights are not as many as the sizes say, or not finite */
export function parseFilter({ block, hidden, weights }: StoredFilter): CommitFilter {
  const count = 2 * block * hidden + block + hidden;
  const halves = Uint16Array.from({ length: count }, (_, i) =>
    Number.parseInt(weights.slice(4 * i, 4 * i + 4), 16),
  );
  const values = fromHalf(halves);
  if (weights.length !== 4 * count || !/^[0-9a-f]*$/.test(weights) || !values.every(Number.isFinite)) {
    throw new UnmaskError("manifest-invalid", "The bundle's commit filter does not fit the sizes it names.");
  }
  return unpackFilter(block, hidden, values);
}

/** @param values w1, b1, w2, b2, row by row */
export function unpackFilter(size: number, hidden: number, values: ArrayLike<number>): CommitFilter {
  const take = (from: number, n: number): number[] => Array.from({ length: n }, (_, i) => values[from + i]!);
  const rows = (from: number, n: number, width: number): number[][] =>
    Array.from({ length: n }, (_, row) => take(from + row * width, width));
  const atW2 = size * hidden + hidden;
  return {
    size,
    w1: rows(0, hidden, size),
    b1: take(size * hidden, hidden),
    w2: rows(atW2, size, hidden),
    b2: take(atW2 + size * hidden, size),
  };
}
