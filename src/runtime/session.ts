import { UnmaskError } from "../core/errors.ts";
import { fromHalf } from "../math/half.ts";
import type { Manifest } from "../model/manifest.ts";
import type { BackendChoice } from "./backend.ts";
import { checkGraph } from "./graph-check.ts";
import type { OrtModule, OrtSession, OrtTensor } from "./ort.ts";

/** The graph and its weights, ready to be handed to onnxruntime. */
export interface GraphFiles {
  readonly graph: Uint8Array;
  /** `path` is the location that the graph names. */
  readonly data: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** `[rows, vocab]` of one forward: on the GPU as a buffer, elsewhere as numbers. Valid until `dispose`. */
export interface LogitsOutput {
  readonly rows: number;
  readonly buffer: GPUBuffer | undefined;
  /** The numbers, copied from the device when they are there. */
  read(): Promise<Float32Array>;
  dispose(): void;
}

export interface GraphSession {
  /**
   * A full forward without cached keys.
   *
   * @param ids `[S]`
   * @param indices rows of `ids` whose logits are wanted, `[L]`
   * @param positions `[S]`; 0..S-1 when absent
   */
  run(ids: Int32Array, indices: Int32Array, positions?: readonly number[]): Promise<LogitsOutput>;
  release(): Promise<void>;
}

/** Threads of onnxruntime in this realm; it starts them once, for the first session. */
let started: number | undefined;

/** The number of threads a session will really have: that of the first session of this worker or process. */
export function claimThreads(wanted: number): number {
  started ??= wanted;
  return started;
}

/**
 * Opens the graph of a variant.
 *
 * @param ort started by start-runtime.ts
 * @throws UnmaskError `graph-mismatch` when the graph is not the one the manifest describes, `out-of-memory`, `device-lost`
 */
export async function openSession(
  ort: OrtModule,
  files: GraphFiles,
  backend: BackendChoice,
  manifest: Manifest,
): Promise<GraphSession> {
  const onGpu = backend.kind === "webgpu";
  const provider =
    backend.device === undefined ? "wasm" : ({ name: "webgpu", device: backend.device } as const);
  const session = await ort.InferenceSession.create(files.graph, {
    executionProviders: [provider],
    externalData: [...files.data],
    graphOptimizationLevel: "all",
    ...(onGpu ? { preferredOutputLocation: { logits: "gpu-buffer" } } : {}),
  }).catch((cause: unknown) => {
    throw asError(cause, "graph-mismatch", "onnxruntime refuses the graph");
  });
  try {
    const float = checkGraph(session, manifest);
    return createGraphSession(ort, session, manifest, float);
  } catch (error) {
    await session.release();
    throw error;
  }
}

function createGraphSession(
  ort: OrtModule,
  session: OrtSession,
  { layers, kvWidth, vocab }: Manifest,
  float: "float32" | "float16",
): GraphSession {
  const longs = (size: number, dims: readonly number[]) =>
    new ort.Tensor("int64", new BigInt64Array(size), dims);
  const none =
    float === "float32"
      ? new ort.Tensor("float32", new Float32Array(0), [1, 0, kvWidth])
      : new ort.Tensor("float16", new Uint16Array(0), [1, 0, kvWidth]);
  const past = Object.fromEntries(
    Array.from({ length: layers }, (_, i) => [
      [`past_k.${i}`, none],
      [`past_v.${i}`, none],
    ]).flat(),
  ) as Record<string, OrtTensor>;
  // Reused while the lengths stay the same, as they do within one generation.
  let input = longs(0, [1, 0]);
  let places = longs(0, [1, 0]);
  let wanted = longs(0, [0]);
  return {
    async run(ids, indices, positions) {
      if (input.size !== ids.length) {
        input = longs(ids.length, [1, ids.length]);
        places = longs(ids.length, [1, ids.length]);
      }
      if (wanted.size !== indices.length) wanted = longs(indices.length, [indices.length]);
      fill(input, ids);
      fill(places, positions ?? ids.keys());
      fill(wanted, indices);
      const feeds = { input_ids: input, position_ids: places, logit_indices: wanted, ...past };
      const out = await session.run(feeds, ["logits"]).catch((cause: unknown) => {
        throw asError(cause, "internal", "The forward failed");
      });
      return wrap(out["logits"], indices.length, vocab);
    },
    release: () => session.release(),
  };
}

function fill(tensor: OrtTensor, values: Iterable<number>): void {
  const data = tensor.data as BigInt64Array; // made as int64 above
  let i = 0;
  for (const value of values) data[i++] = BigInt(value);
}

function wrap(tensor: OrtTensor | undefined, rows: number, vocab: number): LogitsOutput {
  if (
    tensor === undefined ||
    tensor.dims.length !== 2 ||
    tensor.dims[0] !== rows ||
    tensor.dims[1] !== vocab
  ) {
    throw new UnmaskError(
      "graph-mismatch",
      `The graph answers with logits of shape [${tensor?.dims.join(", ") ?? ""}] instead of [${rows}, ${vocab}].`,
    );
  }
  const buffer =
    tensor.location === "gpu-buffer" && tensor.type === "float32"
      ? (tensor.gpuBuffer as GPUBuffer)
      : undefined;
  return {
    rows,
    buffer,
    read: async () => toFloats(await tensor.getData()),
    dispose: () => tensor.dispose(),
  };
}

function toFloats(data: unknown): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof Uint16Array) return fromHalf(data);
  // A Float16Array, which this compile target does not know by name.
  if (ArrayBuffer.isView(data) && data.byteLength % 2 === 0) {
    return fromHalf(new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2));
  }
  throw new UnmaskError("graph-mismatch", "The graph's logits are not floating-point numbers.");
}

function asError(cause: unknown, code: "graph-mismatch" | "internal", what: string): UnmaskError {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (/bad_alloc|out of memory|allocat|memory access/i.test(text)) {
    return new UnmaskError("out-of-memory", `There is not enough memory for this model: ${text}`, { cause });
  }
  if (/device.*lost|lost.*device/i.test(text)) {
    return new UnmaskError("device-lost", "The GPU was taken away.", { cause });
  }
  if (/no available backend|dynamically imported module|backend not found/i.test(text)) {
    return new UnmaskError("backend-unavailable", `onnxruntime could not be started: ${text}`, { cause });
  }
  return new UnmaskError(code, `${what}: ${text}`, { cause });
}
