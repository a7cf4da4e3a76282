import { toHalf } from "../math/half.ts";
import type { GraphBuilder, Weight } from "./graph.ts";
import { type Bits, BLOCK, type Quantized, quantize, type Recipe, type ScaleType } from "./quantize.ts";
import { bytesOf, type Matrix, type WeightStyle } from "./weights.ts";

export interface BlockOptions {
  /** Bits of the body; the token table and the head always have 8. */
  readonly bits: Bits;
  readonly scales: ScaleType;
  readonly recipe: Recipe;
  /** Hears of matrices with block scales beyond f16. */
  readonly overflow?: (name: string) => void;
}

/** q4 and q8: MatMulNBits and GatherBlockQuantized on f32 activations. f16 scales are widened inside the graph. */
export function blockStyle(options: BlockOptions): WeightStyle {
  return {
    activation: "f32",
    embed: (g, table, ids) => {
      const { packed, scales } = blockWeights(g, table, 8, options);
      const width = BLOCK * Math.ceil(table.k / BLOCK);
      const rows = g.op("Reshape", [packed, g.ints([table.n, width])]);
      const attributes = {
        bits: { int: 8 },
        block_size: { int: BLOCK },
        gather_axis: { int: 0 },
        quantize_axis: { int: 1 },
      };
      const [found = ""] = g.microsoft("GatherBlockQuantized", [rows, ids, scales], attributes);
      // The last block of a row may be filled up with zeros.
      return width === table.k ? found : g.op("Slice", [found, g.ints([0]), g.ints([table.k]), g.ints([2])]);
    },
    linear: (g, matrix, x) => matMul(g, matrix, options.bits, x, options),
    head: (g, matrix, x, output) => matMul(g, matrix, 8, x, options, output),
  };
}

function matMul(
  g: GraphBuilder,
  matrix: Matrix,
  bits: Bits,
  x: string,
  options: BlockOptions,
  output?: string,
) {
  const { packed, scales } = blockWeights(g, matrix, bits, options);
  const attributes = {
    K: { int: matrix.k },
    N: { int: matrix.n },
    bits: { int: bits },
    block_size: { int: BLOCK },
    accuracy_level: { int: 0 },
  };
  return g.microsoft(
    "MatMulNBits",
    [x, packed, scales],
    attributes,
    output === undefined ? undefined : [output],
  )[0]!;
}

/** Names of the packed bytes `[n, ceil(k / 32), 32 * bits / 8]` and of the f32 scales `[n, ceil(k / 32)]`. */
function blockWeights(g: GraphBuilder, matrix: Matrix, bits: Bits, options: BlockOptions) {
  const { name, n, k } = matrix;
  const blocks = Math.ceil(k / BLOCK);
  // Both files' parts come from one quantisation; the bytes are written before the scales, then it is dropped.
  let made: Promise<Quantized> | undefined;
  const make = () => {
    made ??= matrix.load().then((values) => quantize(values, n, k, bits, options.scales, options.recipe));
    return made;
  };
  const packed: Weight = {
    name: packedName(name),
    type: "u8",
    dims: [n, blocks, (BLOCK * bits) / 8],
    bytes: (n * blocks * BLOCK * bits) / 8,
    load: async () => (await make()).packed,
  };
  const scales: Weight = {
    name: scalesName(name),
    type: options.scales,
    dims: [n, blocks],
    bytes: n * blocks * (options.scales === "f16" ? 2 : 4),
    load: async () => {
      const result = await make();
      made = undefined;
      if (result.clamped > 0) options.overflow?.(name);
      return bytesOf(options.scales === "f16" ? toHalf(result.scales) : result.scales);
    },
  };
  const packedInput = g.weight(packed);
  const stored = g.weight(scales);
  return {
    packed: packedInput,
    scales: options.scales === "f32" ? stored : g.op("Cast", [stored], { to: { int: 1 } }),
  };
}

export function packedName(matrix: string): string {
  return `${matrix}.packed`;
}

export function scalesName(matrix: string): string {
  return `${matrix}.scales`;
}
