import { UnmaskError } from "../core/errors.ts";
import { toHalf } from "../math/half.ts";
import type { CheckpointFolder } from "./checkpoint/byte-source.ts";
import { openCheckpoint } from "./checkpoint/checkpoint.ts";
import { readFloats, readSafetensors, type TensorEntry } from "./checkpoint/safetensors.ts";
import { createGraph, readShard } from "./graph/graph.ts";
import type { GraphHost } from "./graph/graph-host.ts";
import { compareLogits } from "./reference/compare-logits.ts";
import type { VerifyCase } from "./verify.ts";
import { type Bits, quantize, type ScaleType } from "./weights/quantize.ts";
import { bytesOf, type Matrix } from "./weights/weights.ts";
import { blockStyle } from "./weights/weights-blocks.ts";

/** Golden packed bytes, scales and products of single matrices. */
export const PACKED_FILE = "quant.safetensors";

/** Where products are made, and how far they may be off. */
export interface PackedPlace {
  readonly host: GraphHost;
  readonly gate: number;
}

/**
 * Packs the matrices of `quant.safetensors` anew. A case passes when bytes and scales are identical and MatMulNBits gives
 * the stored product of the stored activations. The matrices stand in the file itself or in the checkpoint beside it.
 */
export async function verifyPacked(
  folder: CheckpointFolder,
  names: readonly string[],
  label: string,
  place: PackedPlace,
): Promise<VerifyCase[]> {
  const golden = await readSafetensors(await folder.open(PACKED_FILE), PACKED_FILE);
  const stored = names.includes("config.json") ? (await openCheckpoint(folder)).tensors : golden;
  const cases: VerifyCase[] = [];
  for (const key of golden.keys()) {
    const match = /^(.+)\.b([48])\.s(f32|f16)\.packed$/.exec(key);
    if (match === null) continue;
    const name = match[1] ?? "";
    const entry = stored.get(name) ?? golden.get(`${name}.W`);
    if (entry?.shape.length !== 2) {
      throw new UnmaskError("golden-invalid", `${PACKED_FILE} packs ${name}, which is not a matrix here.`);
    }
    const bits = match[2] === "4" ? 4 : 8;
    const scales = match[3] === "f16" ? "f16" : "f32";
    cases.push(await verifyMatrix(golden, { name, entry, bits, scales }, label, place));
  }
  return cases;
}

interface PackedMatrix {
  readonly name: string;
  readonly entry: TensorEntry;
  readonly bits: Bits;
  readonly scales: ScaleType;
}

async function verifyMatrix(
  golden: ReadonlyMap<string, TensorEntry>,
  { name, entry, bits, scales }: PackedMatrix,
  label: string,
  { host, gate }: PackedPlace,
): Promise<VerifyCase> {
  const [n = 0, k = 0] = entry.shape;
  const values = await readFloats(entry);
  const prefix = `${name}.b${bits}.s${scales}`;
  const made = quantize(values, n, k, bits, scales, "nearest");
  const packedScales = scales === "f16" ? toHalf(made.scales) : made.scales;
  const identical =
    (await holds(golden.get(`${prefix}.packed`), made.packed)) &&
    (await holds(golden.get(`${prefix}.scales`), bytesOf(packedScales)));
  const activations = golden.get(`${name}.A`);
  const product = golden.get(`${prefix}.Y`);
  const figures = { rel: 0, agreement: 1, kl: 0 };
  if (activations !== undefined && product !== undefined) {
    const matrix: Matrix = { name, n, k, load: async () => values };
    const y = await multiply(matrix, await readFloats(activations), bits, scales, host);
    Object.assign(figures, compareLogits(y, await readFloats(product), n));
  }
  return {
    name: `${label}/${name}`,
    dtype: bits === 4 ? "q4" : "q8",
    scales,
    against: "packed",
    maxRelError: figures.rel,
    argmaxAgreement: figures.agreement,
    kl: figures.kl,
    pass: identical && figures.rel <= gate,
  };
}

async function holds(tensor: TensorEntry | undefined, bytes: Uint8Array): Promise<boolean> {
  if (tensor?.bytes !== bytes.length) return false;
  const stored = await tensor.source.read(tensor.offset, tensor.bytes);
  return stored.every((byte, i) => byte === bytes[i]);
}

/** `x Wᵀ` by the graph a converted model would have. */
async function multiply(
  matrix: Matrix,
  x: Float32Array,
  bits: Bits,
  scales: ScaleType,
  host: GraphHost,
): Promise<Float32Array> {
  const g = createGraph();
  g.inputs.push({ name: "x", type: "f32", dims: ["L", matrix.k] });
  g.outputs.push({ name: "y", type: "f32", dims: ["L", matrix.n] });
  g.op("Identity", [blockStyle({ bits, scales, recipe: "nearest" }).linear(g, matrix, "x")], {}, "y");
  const plan = g.finish("data");
  const graph = await host.open(plan.model, [{ path: "data", data: await readShard(plan.shards[0]!) }]);
  try {
    const { y } = await graph.run({
      x: { type: "float32", values: x, dims: [x.length / matrix.k, matrix.k] },
    });
    return y ?? new Float32Array(0);
  } finally {
    await graph.release();
  }
}
