import { createGraph } from "../../src/convert/graph/graph.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import type { OrtModule } from "../../src/runtime/ort/ort.ts";
import { spreadOf } from "../stats/spread.ts";

/** What this machine can do, measured in the runtime that the model runs in. */
export interface MachineRates {
  /** Multiply-adds a second of an int8 matrix product, the best of a few shapes. */
  readonly macsPerSecond: number;
  /** Bytes a second that a copy of a large array reads and writes. */
  readonly bytesPerSecond: number;
}

/** Rows, inputs and outputs of the products that are tried: those of small and of larger models. */
const SHAPES = [
  [256, 320, 864],
  [256, 1024, 1024],
  [512, 1024, 3072],
] as const;
const COPY_BYTES = 64 << 20;

/** @param ort with its threads started */
export async function measureRates(ort: OrtModule, rounds: number): Promise<MachineRates> {
  let best = 0;
  for (const [m, k, n] of SHAPES) {
    const session = await ort.InferenceSession.create(productGraph(k, n), { executionProviders: ["wasm"] });
    const codes = new ort.Tensor("uint8", new Uint8Array(m * k).fill(130), [m, k]);
    const weights = new ort.Tensor("int8", new Int8Array(k * n).fill(3), [k, n]);
    await session.run({ codes, weights }, ["product"]);
    for (let round = 0; round < rounds; round++) {
      const began = performance.now();
      await session.run({ codes, weights }, ["product"]);
      best = Math.max(best, (1000 * m * k * n) / (performance.now() - began));
    }
    await session.release();
  }
  const [from, to] = [new Uint8Array(COPY_BYTES).fill(1), new Uint8Array(COPY_BYTES)];
  const times = Array.from({ length: rounds + 1 }, () => {
    const began = performance.now();
    to.set(from);
    return performance.now() - began;
  });
  return { macsPerSecond: best, bytesPerSecond: (2000 * COPY_BYTES) / spreadOf(times.slice(1)).min };
}

function productGraph(k: number, n: number): Uint8Array {
  const g = createGraph();
  g.inputs.push({ name: "codes", type: "u8", dims: ["M", k] }, { name: "weights", type: "i8", dims: [k, n] });
  g.outputs.push({ name: "product", type: "i32", dims: ["M", n] });
  g.op("MatMulInteger", ["codes", "weights", g.scalar(128, "u8")], {}, "product");
  return g.finish("none").model;
}

/** The work of a forward of the int8 variant. */
export interface ForwardWork {
  readonly macs: number;
  /** Bytes of weights, each read once. */
  readonly bytes: number;
}

/**
 * @param logitRows rows that go through the head
 */
export function workOf(
  { variants, vocab, layers, kvWidth }: Pick<Manifest, "variants" | "vocab" | "layers" | "kvWidth">,
  rows: number,
  keys: number,
  logitRows: number,
): ForwardWork {
  const matrices = variants["int8"]?.derive?.matrices ?? [];
  const size = (head: boolean) =>
    matrices.filter(({ n }) => (n === vocab) === head).reduce((sum, { n, k }) => sum + n * k, 0);
  // Scores and mixtures: the query width is that of the keys where heads are not grouped.
  const attention = 2 * layers * kvWidth * rows * keys;
  return { macs: size(false) * rows + size(true) * logitRows + attention, bytes: size(false) + size(true) };
}

/** The least time of a forward: its products at the measured rate, or its weights at the measured bandwidth. */
export function floorMs({ macs, bytes }: ForwardWork, rates: MachineRates): number {
  return 1000 * Math.max(macs / rates.macsPerSecond, bytes / rates.bytesPerSecond);
}
