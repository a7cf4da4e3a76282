import { UnmaskError } from "../../core/errors.ts";
import type { GraphBuilder, Weight } from "../graph/graph.ts";
import type { Matrix, WeightStyle } from "./weights.ts";

/**
 * int8 for the WASM backend: one weight scale an output channel, one activation scale a row, products in integers.
 * Because the activation scale belongs to a row, a row's result does not depend on what else is in the batch.
 * A bundle does not store the weights: they are derived from the block-quantised file at load (model/derive-int8.ts).
 */
export function int8Style(tables: Pick<WeightStyle, "embed">, load: LoadChannels = derived): WeightStyle {
  const quantised = new Map<string, { codes: string; scale: string }>();
  const multiply = (g: GraphBuilder, matrix: Matrix, x: string, output?: string) => {
    const row = quantised.get(x) ?? quantiseRows(g, x);
    quantised.set(x, row);
    const { weights, channels } = int8Weights(g, matrix, load);
    const [y = ""] = g.microsoft(
      "MatMulIntegerToFloat",
      [row.codes, weights, g.scalar(1, "f32"), channels, g.scalar(128, "u8")],
      {},
    );
    return g.op("Mul", [y, row.scale], {}, output);
  };
  return {
    activation: "f32",
    embed: tables.embed,
    linear: (g, matrix, x) => multiply(g, matrix, x),
    head: multiply,
  };
}

/** `x [.., k]` to u8 codes around 128 and a positive scale a row: `x = (codes - 128) * scale`. */
function quantiseRows(g: GraphBuilder, x: string) {
  const largest = g.op("ReduceMax", [g.op("Abs", [x]), g.ints([-1])], { keepdims: { int: 1 } });
  const scale = g.op("Mul", [g.op("Max", [largest, g.scalar(1e-30, "f32")]), g.scalar(1 / 127, "f32")]);
  const shifted = g.op("Add", [g.op("Round", [g.op("Div", [x, scale])]), g.scalar(128, "f32")]);
  return { codes: g.op("Cast", [shifted], { to: { int: 2 } }), scale };
}

/** Codes of a matrix, `[k, n]`, with the scale of each output channel, `[n]`. */
export interface Channels {
  readonly codes: Int8Array;
  readonly scales: Float32Array;
}

export type LoadChannels = (matrix: Matrix) => Promise<Channels>;

const derived: LoadChannels = async ({ name }) => {
  throw new UnmaskError("internal", `${name} is derived at load, not written.`);
};

function int8Weights(g: GraphBuilder, matrix: Matrix, load: LoadChannels) {
  const { name, n, k } = matrix;
  const bytesOf = ({ buffer, byteOffset, byteLength }: Int8Array | Float32Array) =>
    new Uint8Array(buffer, byteOffset, byteLength);
  const weights: Weight = {
    name: int8Name(name),
    type: "i8",
    dims: [k, n],
    bytes: k * n,
    load: async () => bytesOf((await load(matrix)).codes),
  };
  const channels: Weight = {
    name: channelsName(name),
    type: "f32",
    dims: [n],
    bytes: 4 * n,
    load: async () => bytesOf((await load(matrix)).scales),
  };
  return { weights: g.weight(weights), channels: g.weight(channels) };
}

export function int8Name(matrix: string): string {
  return `${matrix}.int8`;
}

export function channelsName(matrix: string): string {
  return `${matrix}.channels`;
}
