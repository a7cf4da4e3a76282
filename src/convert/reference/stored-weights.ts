import { fromHalf } from "../../math/half.ts";
import type { ByteSource } from "../checkpoint/byte-source.ts";
import type { PlannedGraph } from "../graph/graph.ts";
import { foldedAt, foldsInWeights } from "../transformer/fold-heads.ts";
import type { Transformer } from "../transformer/transformer.ts";
import { BLOCK, dequantize, roundHalfEven } from "../weights/quantize.ts";
import { zeroBytes } from "../weights/quantize-asymmetric.ts";
import type { Matrix } from "../weights/weights.ts";
import { type FormOf, packedName, scalesName, zerosName } from "../weights/weights-blocks.ts";
import type { ReferenceWeights } from "./reference.ts";

/**
 * The weights of a bundle as its graphs read them, taken back from the data files that were just written, a block of rows
 * at a time: what the golden forward multiplies by.
 */

export type StoredDtype = "f32" | "f16" | "q8" | "q4";

type Read = (weight: string, offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;

/**
 * @param form how quantised matrices are packed
 * @param open opens a data file by its location in the graph
 */
export function storedWeights(
  model: Transformer,
  { shards }: PlannedGraph,
  dtype: StoredDtype,
  form: FormOf,
  open: (location: string) => Promise<ByteSource>,
): ReferenceWeights {
  const files = new Map<string, Promise<ByteSource>>();
  const places = new Map(
    shards.flatMap(({ location, pieces }) =>
      pieces.map(({ offset, weight }) => [weight.name, { location, offset }] as const),
    ),
  );
  const read: Read = async (weight, offset, length) => {
    const place = places.get(weight);
    if (place === undefined) throw new Error(`The data files have no ${weight}.`);
    const file = files.get(place.location) ?? open(place.location);
    files.set(place.location, file);
    return (await file).read(place.offset + offset, length);
  };
  const isTable = (matrix: Matrix) => matrix === model.table || matrix === model.head.matrix;
  const rows = dtype === "f32" || dtype === "f16" ? floatRows(read, dtype, isTable) : blockRows(read, form);
  return { rows: unfolded(model, rows) };
}

/**
 * The int8 build derived from `stored` at load: one weight scale an output channel, activations in 8 bits with one scale
 * a row (weights-int8.ts). The token table stays as it is stored.
 */
export function int8Weights(stored: ReferenceWeights): ReferenceWeights {
  return {
    embedding: (table, id) => stored.rows(table, id, 1),
    rows: async (matrix, start, count) => {
      const values = await stored.rows(matrix, start, count);
      for (let at = 0; at < values.length; at += matrix.k) roundChannel(values.subarray(at, at + matrix.k));
      return values;
    },
    activations: (x, k) => {
      const rounded = new Float64Array(x.length);
      for (let at = 0; at < x.length; at += k) roundRow(x.subarray(at, at + k), rounded.subarray(at, at + k));
      return rounded;
    },
  };
}

type Rows = ReferenceWeights["rows"];

/** Quantised matrices stand row by row. */
function blockRows(read: Read, form: FormOf): Rows {
  return async (matrix, start, count) => {
    const { name, k } = matrix;
    const { bits, zeros: hasZeros } = form(matrix);
    const blocks = Math.ceil(k / BLOCK);
    const rowBytes = (blocks * BLOCK * bits) / 8;
    const packed = await read(packedName(name), start * rowBytes, count * rowBytes);
    const scales = await read(scalesName(name), start * blocks * 2, count * blocks * 2);
    const width = zeroBytes(k);
    const zeros = hasZeros ? await read(zerosName(name), start * width, count * width) : undefined;
    return dequantize({ packed, scales: fromHalf(new Uint16Array(scales.buffer)), zeros }, count, k, bits);
  };
}

/** Tables stand row by row, other matrices transposed: of those one is kept as a whole, the last. */
function floatRows(read: Read, type: "f32" | "f16", isTable: (matrix: Matrix) => boolean): Rows {
  const width = type === "f32" ? 4 : 2;
  const floats = async (name: string, start: number, count: number) => {
    const { buffer } = await read(name, start * width, count * width);
    return type === "f32" ? new Float32Array(buffer) : fromHalf(new Uint16Array(buffer));
  };
  let last: { readonly matrix: Matrix; readonly values: Float32Array } | undefined;
  return async (matrix, start, count) => {
    const { name, n, k } = matrix;
    if (isTable(matrix)) return floats(name, start * k, count * k);
    if (last?.matrix !== matrix) last = { matrix, values: await floats(name, 0, n * k) };
    const { values } = last;
    const out = new Float32Array(count * k);
    for (let row = 0; row < count; row++) {
      for (let col = 0; col < k; col++) out[row * k + col] = values[col * n + start + row]!;
    }
    return out;
  };
}

/** Query and output projections are stored with their heads folded; the forward takes them in their own order. */
function unfolded({ layers, facts }: Transformer, rows: Rows): Rows {
  if (facts.heads === facts.kvHeads) return rows;
  const queries = new Set(layers.map(({ q }) => q.matrix));
  const outputs = new Set(foldsInWeights(facts) ? layers.map(({ o }) => o.matrix) : []);
  return async (matrix, start, count) => {
    if (queries.has(matrix)) {
      const out = new Float32Array(count * matrix.k);
      for (let row = 0; row < count; ) {
        const run = Math.min(count - row, facts.headDim - ((start + row) % facts.headDim));
        out.set(await rows(matrix, foldedAt(start + row, facts), run), row * matrix.k);
        row += run;
      }
      return out;
    }
    const found = await rows(matrix, start, count);
    if (!outputs.has(matrix)) return found;
    const from = Int32Array.from({ length: matrix.k }, (_, col) => foldedAt(col, facts));
    const out = new Float32Array(found.length);
    for (let at = 0; at < found.length; at++) out[at] = found[at - (at % matrix.k) + from[at % matrix.k]!]!;
    return out;
  };
}

/** To the codes -127..127 of one scale, as derive-int8.ts does. An empty row stays empty. */
function roundChannel(row: Float32Array): void {
  let largest = 0;
  for (let i = 0; i < row.length; i++) largest = Math.max(largest, Math.abs(row[i]!));
  if (largest === 0) return;
  const scale = Math.fround(largest / 127);
  const inverse = 127 / largest;
  for (let i = 0; i < row.length; i++) row[i] = roundHalfEven(row[i]! * inverse) * scale;
}

/** In f32 arithmetic, so that the codes are those of the graph but for values on the edge between two. */
function roundRow(x: Float64Array, out: Float64Array): void {
  let largest = 1e-30;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]!));
  const scale = Math.fround(Math.fround(largest) * Math.fround(1 / 127));
  for (let i = 0; i < x.length; i++) {
    out[i] = roundHalfEven(Math.fround(Math.fround(x[i]!) / scale)) * scale;
  }
}
