import type { GraphBuilder, Weight } from "../graph/graph.ts";
import { bytesOf, type Matrix, rowBlocks, type WeightStyle } from "./weights.ts";
import { type Channels, int8Style } from "./weights-int8.ts";

/**
 * int8 weights that are stored as the WASM backend reads them: one scale an output channel, and one a token for the
 * table. Only operators that every build of onnxruntime-web has, so a block-quantised table is none.
 */
export function channelStyle(): WeightStyle {
  return int8Style({ embed: embedRows }, quantizeChannels);
}

/**
 * Symmetric codes in -127..127, rounded to the nearest, one scale an output channel.
 *
 * @returns codes `[k, n]`, transposed as the matrix product wants them, and scales `[n]`
 */
export async function quantizeChannels(matrix: Matrix): Promise<Channels> {
  const { n, k } = matrix;
  const codes = new Int8Array(n * k);
  const scales = new Float32Array(n);
  let row = 0;
  for await (const { rows, values } of rowBlocks(matrix)) {
    for (let at = 0; at < rows; at++, row++) {
      const channel = values.subarray(at * k, (at + 1) * k);
      const scale = scaleOf(channel);
      scales[row] = scale;
      for (let col = 0; col < k; col++) codes[col * n + row] = Math.round(channel[col]! / scale);
    }
  }
  return { codes, scales };
}

/** A row of zeros gets the scale 1. */
function scaleOf(values: Float32Array): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return Math.fround(largest / 127) || 1;
}

/** The rows of the ids, each times its own scale. */
function embedRows(g: GraphBuilder, table: Matrix, ids: string): string {
  const { name, n, k } = table;
  const codes: Weight = {
    name: `${name}.rows`,
    type: "i8",
    dims: [n, k],
    bytes: n * k,
    load: async () => {
      const { codes: columns } = await quantizeChannels(table);
      const rows = new Uint8Array(n * k);
      for (let row = 0; row < n; row++) {
        for (let col = 0; col < k; col++) rows[row * k + col] = columns[col * n + row]!;
      }
      return rows;
    },
  };
  const scales: Weight = {
    name: `${name}.row_scales`,
    type: "f32",
    dims: [n, 1],
    bytes: 4 * n,
    load: async () => bytesOf((await quantizeChannels(table)).scales),
  };
  const pick = (weight: Weight) => g.op("Gather", [g.weight(weight), ids], { axis: { int: 0 } });
  return g.op("Mul", [g.op("Cast", [pick(codes)], { to: { int: 1 } }), pick(scales)]);
}
