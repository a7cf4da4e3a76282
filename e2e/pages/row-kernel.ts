import { hash3 } from "../../src/core/random.ts";
import type { ForwardRequest, Guidance, RowStats, SignalRequest } from "../../src/core/types.ts";
import { findAdapter, requestDevice } from "../../src/runtime/gpu/gpu-device.ts";
import { createGpuRows } from "../../src/runtime/gpu/gpu-rows.ts";
import { createCpuRows, type RowReducer } from "../../src/runtime/graph/rows.ts";
import type { LogitsOutput } from "../../src/runtime/graph/session.ts";

/**
 * A statistics pass over 32 rows of a large vocabulary with everything that a strategy may ask for: what is mapped for
 * reading, and how many buffers further passes make.
 */
export async function readBack(vocab: number, signals: SignalRequest, guidance: Guidance) {
  const found = await findAdapter(navigator.gpu);
  const device = await requestDevice(found!); // the other tests of this page need one as well
  const counts = countWork(device);
  const rows = 32;
  const canvas = new Int32Array(rows);
  const request: ForwardRequest = {
    canvases: guidance.kind === "cfg" ? [canvas, canvas] : [canvas],
    rows: canvas.map((_, row) => row),
    attention: { kind: "full" },
    guidance,
    signals,
    suppress: [vocab - 1],
    kv: null,
    promptLen: 0,
  };
  const logits = Float32Array.from({ length: rows * vocab }, (_, i) => hash3(i, 1, 2, 3) / 2 ** 30);
  const outputs = request.canvases.map(() => outputOf(device, logits, rows));
  const reducer = createGpuRows(device, vocab);
  await reducer.reduce(outputs, request);
  const first = { ...counts };
  for (let n = 0; n < 3; n++) await reducer.reduce(outputs, request);
  for (const output of outputs) output.dispose();
  reducer.dispose();
  device.destroy();
  return { bytesRead: first.read, buffersMadeLate: counts.made - first.made };
}

/** Counts the buffers that a device makes and the bytes that are mapped for reading. */
function countWork(device: GPUDevice): { made: number; read: number } {
  const counts = { made: 0, read: 0 };
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    counts.made++;
    const buffer = createBuffer(descriptor);
    const mapAsync = buffer.mapAsync.bind(buffer);
    buffer.mapAsync = (mode, offset, size) => {
      counts.read += size ?? buffer.size;
      return mapAsync(mode, offset, size);
    };
    return buffer;
  };
  return counts;
}

/** What the logits of a case look like. */
export type Shape = "normal" | "ties" | "flat" | "peaked" | "huge" | "holes" | "broken" | "empty";

export interface RowCase {
  readonly name: string;
  readonly vocab: number;
  readonly rows: readonly number[];
  readonly shape: Shape;
  readonly signals: SignalRequest;
  readonly suppress: readonly number[];
  /** None when absent. */
  readonly guidance?: Guidance;
  readonly seed: number;
}

/**
 * Row statistics of every case by the WGSL kernel and by the reference in JavaScript.
 *
 * @returns a line a difference
 */
export async function compareRows(cases: readonly RowCase[]): Promise<string[]> {
  const found = await findAdapter(navigator.gpu);
  if (found === undefined) return ["there is no adapter"];
  const device = await requestDevice(found);
  const problems: string[] = [];
  device.addEventListener("uncapturederror", ({ error }) => problems.push(`GPU: ${error.message}`));
  // One a vocabulary, as in an engine: a case meets the buffers and the suppression mask of the one before.
  const reducers = new Map<number, Pair>();
  for (const entry of cases) {
    const { vocab } = entry;
    const pair = reducers.get(vocab) ?? { gpu: createGpuRows(device, vocab), cpu: createCpuRows(vocab) };
    reducers.set(vocab, pair);
    for (const line of await compareCase(device, pair, entry)) problems.push(`${entry.name}: ${line}`);
  }
  for (const { gpu, cpu } of reducers.values()) for (const reducer of [gpu, cpu]) reducer.dispose();
  device.destroy();
  return problems;
}

/** Both remember the distributions that divergences are measured from. */
interface Pair {
  readonly gpu: RowReducer;
  readonly cpu: RowReducer;
}

async function compareCase(device: GPUDevice, pair: Pair, entry: RowCase): Promise<string[]> {
  const { vocab, rows, signals, suppress, guidance, seed } = entry;
  const size = Math.max(...rows) + 1;
  const canvas = Int32Array.from({ length: size }, (_, row) => hash3(seed, row, 7, 7) % vocab);
  const request: ForwardRequest = {
    canvases: guidance?.kind === "cfg" ? [canvas, canvas] : [canvas],
    rows: Int32Array.from(rows),
    attention: { kind: "full" },
    guidance: guidance ?? { kind: "none" },
    signals,
    suppress,
    kv: null,
    promptLen: 0,
  };
  const outputs = request.canvases.map((_, n) => outputOf(device, logitsOf(entry, n), rows.length));
  try {
    const gpu = await pair.gpu.reduce(outputs, request);
    const cpu = await pair.cpu.reduce(outputs, request);
    return differences(gpu, cpu, guidance !== undefined);
  } finally {
    for (const output of outputs) output.dispose();
  }
}

function logitsOf({ vocab, rows, shape, seed }: RowCase, salt: number): Float32Array<ArrayBuffer> {
  const logits = new Float32Array(rows.length * vocab);
  for (let i = 0; i < logits.length; i++) {
    const word = hash3(seed + salt, i, 1, 2);
    logits[i] = logitOf(shape, word, (word / 2 ** 32) * 24 - 12, i % vocab);
  }
  return logits;
}

function logitOf(shape: Shape, word: number, normal: number, id: number): number {
  if (shape === "ties") return word % 3;
  if (shape === "flat") return 1.5;
  if (shape === "peaked") return id === 1 ? 40 : normal;
  // No subnormal numbers: a GPU may count them as 0.
  if (shape === "huge") return [3.3e38, -3.3e38, 1e30, -1e30, 0, 1e-37][word % 6]!;
  if (shape === "holes") return word % 4 === 0 ? normal : Number.NEGATIVE_INFINITY;
  if (shape === "broken") return [Number.NaN, Number.POSITIVE_INFINITY, normal, normal][word % 4]!;
  if (shape === "empty") return Number.NEGATIVE_INFINITY;
  return normal;
}

/** As the second canvas of a run: rows of another one come before. */
function outputOf(device: GPUDevice, logits: Float32Array<ArrayBuffer>, rows: number): LogitsOutput {
  const first = rows > 1 ? 2 : 1;
  const before = new Float32Array(first * (logits.length / Math.max(1, rows))).fill(99);
  const buffer = device.createBuffer({
    size: before.byteLength + logits.byteLength,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
  });
  device.queue.writeBuffer(buffer, 0, before);
  device.queue.writeBuffer(buffer, before.byteLength, logits);
  return { rows, buffer, first, read: async () => logits.slice(), dispose: () => buffer.destroy() };
}

/** @param mixed guided logits are rounded differently on a GPU, so equal ranks may swap */
function differences(gpu: RowStats, cpu: RowStats, mixed: boolean): string[] {
  const lines: string[] = [];
  const exact = (name: string, a: ArrayLike<number> | undefined, b: ArrayLike<number> | undefined) => {
    for (let i = 0; i < (b?.length ?? 0); i++) {
      if (!Object.is(a?.[i], b![i]) && !(a?.[i] === 0 && b![i] === 0))
        lines.push(`${name}[${i}] ${a?.[i]} is not ${b![i]}`);
    }
    if (a?.length !== b?.length) lines.push(`${name} has ${a?.length} entries, not ${b?.length}`);
  };
  const close = (name: string, a: ArrayLike<number> | undefined, b: ArrayLike<number> | undefined) => {
    for (let i = 0; i < (b?.length ?? 0); i++) {
      const [got, want] = [a?.[i] ?? Number.NaN, b![i]!];
      const error = got === want ? 0 : Math.abs(got - want);
      if (!(error <= 2e-4 * Math.max(1, Math.abs(want))))
        lines.push(`${name}[${i}] ${got} is not near ${want}`);
    }
    if (a?.length !== b?.length) lines.push(`${name} has ${a?.length} entries, not ${b?.length}`);
  };
  const values = mixed ? close : exact;
  values("topLogits", gpu.topLogits, cpu.topLogits);
  values("sampledLogits", gpu.sampledLogits, cpu.sampledLogits);
  values("currentLogits", gpu.currentLogits, cpu.currentLogits);
  values("probeLogits", gpu.probeLogits, cpu.probeLogits);
  values("gatherLogits", gpu.gatherLogits, cpu.gatherLogits);
  if (!mixed) {
    exact("topIds", gpu.topIds, cpu.topIds);
    exact("sampledIds", gpu.sampledIds, cpu.sampledIds);
  }
  close("lse", gpu.lse, cpu.lse);
  close("entropy", gpu.entropy, cpu.entropy);
  close("klPrevious", gpu.klPrevious, cpu.klPrevious);
  close("temperedLse", gpu.temperedLse, cpu.temperedLse);
  close("temperedEntropy", gpu.temperedEntropy, cpu.temperedEntropy);
  const agreements = [gpu, cpu].map(({ agreement }) => (agreement === undefined ? [] : [agreement]));
  close("agreement", agreements[0], agreements[1]);
  return lines.slice(0, 8);
}
