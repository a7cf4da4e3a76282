import type { Weight } from "../graph/graph.ts";
import { encodeFloats, floatWeight, type Matrix, rowBlocks, type WeightStyle } from "./weights.ts";

/** f32 or f16 throughout. Body matrices are stored `[k, n]`, as MatMul wants them; tables stay `[n, k]`. */
export function floatStyle(type: "f32" | "f16", overflow: (name: string) => void = () => {}): WeightStyle {
  const table = (matrix: Matrix): Weight => ({
    ...floatWeight(matrix.name, [matrix.n, matrix.k], type, () => matrix.load(), overflow),
    parts: () => tableParts(matrix, type, overflow),
  });
  return {
    activation: type,
    embed: (g, matrix, ids) => g.op("Gather", [g.weight(table(matrix)), ids], { axis: { int: 0 } }),
    linear: (g, matrix, x) => {
      const { name, n, k } = matrix;
      const load = async () => transpose(await matrix.load(), n, k);
      return g.op("MatMul", [x, g.weight(floatWeight(name, [k, n], type, load, overflow))]);
    },
    head: (g, matrix, x, output) => {
      const inputs = [x, g.weight(table(matrix))];
      if (type === "f32") return g.op("Gemm", inputs, { transB: { int: 1 } }, output);
      // Row statistics are computed from f32 wherever they are computed.
      return g.op("Cast", [g.op("Gemm", inputs, { transB: { int: 1 } })], { to: { int: 1 } }, output);
    },
  };
}

async function* tableParts(
  matrix: Matrix,
  type: "f32" | "f16",
  overflow: (name: string) => void,
): AsyncGenerator<Uint8Array> {
  let isTold = false;
  for await (const { values } of rowBlocks(matrix)) {
    yield encodeFloats(values, type, () => {
      if (!isTold) overflow(matrix.name);
      isTold = true;
    });
  }
}

/** `[n, k]` to `[k, n]`. */
function transpose(values: Float32Array, n: number, k: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < n; row++)
    for (let col = 0; col < k; col++) out[col * n + row] = values[row * k + col]!;
  return out;
}
