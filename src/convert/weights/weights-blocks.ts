import { toHalf } from "../../math/half.ts";
import type { GraphBuilder, Weight } from "../graph/graph.ts";
import { type Bits, BLOCK, type Quantized, quantize, type Recipe, type ScaleType } from "./quantize.ts";
import { type AsymmetricQuantized, quantizeAsymmetric, zeroBytes } from "./quantize-asymmetric.ts";
import { bytesOf, type Matrix, rowBlocks, type WeightStyle } from "./weights.ts";

/** How the blocks of a matrix are packed. */
export interface BlockForm {
  readonly bits: Bits;
  /** Blocks have zero points; 4 bits only. */
  readonly zeros: boolean;
}

export type FormOf = (matrix: Matrix) => BlockForm;

export interface BlockOptions {
  /** Bits of the body; the token table and the head always have 8. */
  readonly bits: Bits;
  readonly scales: ScaleType;
  readonly recipe: Recipe;
  /** f16 activations want f16 scales. f32 when absent. */
  readonly activation?: "f32" | "f16";
  /** Matrices of the body that are packed otherwise. */
  readonly form?: FormOf;
  /** Hears of matrices with block scales beyond f16. */
  readonly overflow?: (name: string) => void;
}

/** Of the token table and the head. */
const TABLE: BlockForm = { bits: 8, zeros: false };

/**
 * q4 and q8: MatMulNBits and GatherBlockQuantized. f16 scales are widened inside the graph where they meet f32
 * activations, as they always do in the head: it multiplies few rows, and its logits decide.
 */
export function blockStyle(options: BlockOptions): WeightStyle {
  const { activation = "f32" } = options;
  return {
    activation,
    embed: (g, table, ids) => {
      const { packed, scales } = blockWeights(g, table, TABLE, options, activation);
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
    linear: (g, matrix, x) =>
      matMul(g, matrix, options.form?.(matrix) ?? { bits: options.bits, zeros: false }, x, {
        ...options,
        activation,
      }),
    head: (g, matrix, x, output) => {
      const wide = activation === "f32" ? x : g.op("Cast", [x], { to: { int: 1 } });
      return matMul(g, matrix, TABLE, wide, { ...options, activation: "f32" }, output);
    },
  };
}

function matMul(
  g: GraphBuilder,
  matrix: Matrix,
  form: BlockForm,
  x: string,
  options: BlockOptions,
  output?: string,
) {
  const { packed, scales, zeros } = blockWeights(g, matrix, form, options, options.activation ?? "f32");
  const attributes = {
    K: { int: matrix.k },
    N: { int: matrix.n },
    bits: { int: form.bits },
    block_size: { int: BLOCK },
    accuracy_level: { int: 0 },
  };
  return g.microsoft(
    "MatMulNBits",
    zeros === undefined ? [x, packed, scales] : [x, packed, scales, zeros],
    attributes,
    output === undefined ? undefined : [output],
  )[0]!;
}

/**
 * Names of the packed bytes `[n, ceil(k / 32), 32 * bits / 8]`, of the scales `[n, ceil(k / 32)]` in the wanted type and of
 * zero points.
 */
function blockWeights(
  g: GraphBuilder,
  matrix: Matrix,
  { bits, zeros }: BlockForm,
  options: BlockOptions,
  wanted: "f32" | "f16",
) {
  const { name, n, k } = matrix;
  const blocks = Math.ceil(k / BLOCK);
  // One quantisation makes all: the bytes are written in parts before the rest, which is kept until then.
  let kept: KeptParts | undefined;
  async function* packedParts(): AsyncGenerator<Uint8Array> {
    const parts: Uint8Array[] = [];
    const points: Uint8Array[] = [];
    let clamped = false;
    for await (const { rows, values } of rowBlocks(matrix)) {
      const made: Quantized & Partial<AsymmetricQuantized> = zeros
        ? quantizeAsymmetric(values, rows, k, options.scales)
        : quantize(values, rows, k, bits, options.scales, options.recipe);
      parts.push(bytesOf(options.scales === "f16" ? toHalf(made.scales) : made.scales));
      if (made.zeros !== undefined) points.push(made.zeros);
      clamped ||= made.clamped > 0;
      yield made.packed;
    }
    kept = { scales: parts, zeros: points, clamped };
  }
  /** An earlier run may have written the bytes: then the matrix is gone through once more. */
  const rest = async (): Promise<KeptParts> => {
    if (kept === undefined) for await (const _ of packedParts());
    return kept!;
  };
  const packed: Weight = {
    name: packedName(name),
    type: "u8",
    dims: [n, blocks, (BLOCK * bits) / 8],
    bytes: (n * blocks * BLOCK * bits) / 8,
    load: async () => {
      const parts: Uint8Array[] = [];
      for await (const part of packedParts()) parts.push(part);
      return joined(parts);
    },
    parts: packedParts,
  };
  const scales: Weight = {
    name: scalesName(name),
    type: options.scales,
    dims: [n, blocks],
    bytes: n * blocks * (options.scales === "f16" ? 2 : 4),
    load: async () => {
      const { scales: parts, clamped } = await rest();
      if (!zeros) kept = undefined;
      if (clamped) options.overflow?.(name);
      return joined(parts);
    },
  };
  const points: Weight = {
    name: zerosName(name),
    type: "u8",
    dims: [n, zeroBytes(k)],
    bytes: n * zeroBytes(k),
    load: async () => {
      const { zeros: parts } = await rest();
      kept = undefined;
      return joined(parts);
    },
  };
  const packedInput = g.weight(packed);
  const stored = g.weight(scales);
  return {
    packed: packedInput,
    scales:
      options.scales === wanted ? stored : g.op("Cast", [stored], { to: { int: wanted === "f32" ? 1 : 10 } }),
    zeros: zeros ? g.weight(points) : undefined,
  };
}

/** What stands behind the bytes of a matrix. */
interface KeptParts {
  readonly scales: readonly Uint8Array[];
  readonly zeros: readonly Uint8Array[];
  readonly clamped: boolean;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function packedName(matrix: string): string {
  return `${matrix}.packed`;
}

export function scalesName(matrix: string): string {
  return `${matrix}.scales`;
}

export function zerosName(matrix: string): string {
  return `${matrix}.zeros`;
}
