import { UnmaskError } from "../../core/errors.ts";
import { fromHalf } from "../../math/half.ts";
import type { Manifest } from "../../model/manifest.ts";
import type { KvShape } from "../kv/kv-buffers.ts";
import type { BackendChoice } from "../ort/backend-choice.ts";
import type { OrtModule, OrtSession, OrtTensor } from "../ort/ort.ts";
import { checkGraph, type GraphFacts } from "./graph-check.ts";
import { createCpuFeeds, createGpuFeeds, type FillBias } from "./graph-feeds.ts";

/** The graph and its weights, ready to be handed to onnxruntime. */
export interface GraphFiles {
  readonly graph: Uint8Array;
  /** `path` is the location that the graph names. */
  readonly data: readonly { readonly path: string; readonly data: Uint8Array }[];
  /** "all" unless the graph breaks under it. */
  readonly optimization?: "disabled";
}

/** `[rows, vocab]` of one canvas: on the GPU in a buffer, elsewhere as numbers. Valid until `dispose`. */
export interface LogitsOutput {
  readonly rows: number;
  readonly buffer: GPUBuffer | undefined;
  /** Row of the buffer where they begin. */
  readonly first: number;
  /** The numbers, copied from the device when they are there. */
  read(): Promise<Float32Array>;
  dispose(): void;
}

/** One forward of the graph: S tokens, given P cached rows, of each of B canvases. */
export interface GraphRun {
  /** B; 1 when absent. */
  readonly batch?: number;
  /** `[B * S]` */
  readonly ids: Int32Array;
  /** Positions in the `ids` whose logits are wanted, `[L]`. */
  readonly indices: Int32Array;
  /** Canvas positions, `[B * S]`; 0..S-1 of one canvas when absent. */
  readonly positions?: ArrayLike<number>;
  /** Cached keys and values by graph input, `[B, P, width]` each; absent: none. */
  readonly past?: Readonly<Record<string, OrtTensor>>;
  /** Canvas positions of the cached keys, `[P]`: of every canvas, where the graph asks for them. */
  readonly pastRows?: ArrayLike<number>;
  /** Noise level, for models that are told it; 0 when absent. */
  readonly sigma?: number;
  /** What a graph that takes hints mixes in; absent: nothing. */
  readonly hints?: GraphHints;
  /** Fills the attention bias `[S * biasRepeat, P + S]` of a graph that takes one. Absent: everything is attended to. */
  readonly fillBias?: FillBias;
  /** Wants the new keys and values. */
  readonly keep?: boolean;
}

/** Tokens whose vectors stand in part for those of the ids; see src/onnx/blend-graph.ts. */
export interface GraphHints {
  /** `[B * S]`; the id itself where nothing is mixed in. */
  readonly ids: Int32Array | readonly number[];
  /** `[B]`, one a canvas. */
  readonly shares: readonly number[];
}

export interface GraphOutput extends LogitsOutput {
  /** New keys and values, `[B, S, width]` each in the order of the names of the shape; empty unless they were wanted. */
  readonly fresh: readonly OrtTensor[];
}

export interface GraphSession {
  readonly kv: KvShape;
  readonly biasRepeat: number;
  /** The graph computes several canvases in a run. */
  readonly takesBatch: boolean;
  /** Such a run has one list of canvas rows for all of them. */
  readonly sameRows: boolean;
  run(run: GraphRun): Promise<GraphOutput>;
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
    graphOptimizationLevel: files.optimization ?? "all",
    ...(onGpu ? { preferredOutputLocation: onDevice(manifest.layers) } : {}),
  }).catch((cause: unknown) => {
    throw asError(cause, "graph-mismatch", "onnxruntime refuses the graph");
  });
  try {
    return createGraphSession(ort, session, backend.device, manifest, checkGraph(session, manifest));
  } catch (error) {
    await session.release();
    throw error;
  }
}

/** Everything stays on the device: the row kernel reads the logits there, the cache keeps the keys there. */
function onDevice(layers: number): Record<string, "gpu-buffer"> {
  const names = ["logits", ...kvNames("new", layers)];
  return Object.fromEntries(names.map((name) => [name, "gpu-buffer"] as const));
}

function kvNames(prefix: "past" | "new", layers: number): string[] {
  return Array.from({ length: 2 * layers }, (_, i) => `${prefix}_${i % 2 === 0 ? "k" : "v"}.${i >> 1}`);
}

function createGraphSession(
  ort: OrtModule,
  session: OrtSession,
  device: GPUDevice | undefined,
  { layers, kvWidth, vocab }: Manifest,
  { float, biasRepeat, takesBatch, takesKeyRows, takesSigma, takesHints }: GraphFacts,
): GraphSession {
  const nothing = (batch: number): OrtTensor =>
    float === "float32"
      ? new ort.Tensor("float32", new Float32Array(0), [batch, 0, kvWidth])
      : new ort.Tensor("float16", new Uint16Array(0), [batch, 0, kvWidth]);
  const here = createCpuFeeds(ort, float);
  const there = device === undefined ? here : createGpuFeeds(ort, device, float);
  const kv: KvShape = { names: kvNames("past", layers), width: kvWidth, float };
  const fresh = kvNames("new", layers);
  const noPasts = new Map<number, Readonly<Record<string, OrtTensor>>>();
  const noPast = (batch: number): Readonly<Record<string, OrtTensor>> => {
    const empty = nothing(batch);
    const made = noPasts.get(batch) ?? Object.fromEntries(kv.names.map((name) => [name, empty] as const));
    noPasts.set(batch, made);
    return made;
  };
  const input = there.longs();
  const places = there.longs();
  const wanted = there.longs();
  const hinted = there.longs();
  // A WebGPU graph turns these into floats on the CPU.
  const keyRows = here.longs();
  return {
    kv,
    biasRepeat,
    takesBatch,
    sameRows: takesKeyRows || biasRepeat > 0,
    async run({
      batch = 1,
      ids,
      indices,
      positions,
      past,
      pastRows = [],
      sigma = 0,
      hints,
      fillBias,
      keep = false,
    }) {
      const rows = positions ?? ids.map((_, row) => row);
      const size = ids.length / batch;
      const keys = past ?? noPast(batch);
      const seen = () => [...Array.from(pastRows), ...Array.from(rows).slice(0, size)];
      const feeds: Record<string, OrtTensor> = {
        input_ids: input(ids, batch),
        position_ids: places(rows, batch),
        ...(takesKeyRows && { key_rows: keyRows(seen(), 1) }),
        ...(takesSigma && { sigma: new ort.Tensor("float32", Float32Array.of(sigma), [1]) }),
        ...(takesHints && {
          hint_ids: hinted(hints?.ids ?? ids, batch),
          hint_share: new ort.Tensor(
            "float32",
            Float32Array.from(hints?.shares ?? new Array<number>(batch).fill(0)),
            [batch, 1, 1],
          ),
        }),
        logit_indices: wanted(indices),
        ...keys,
      };
      if (biasRepeat > 0) {
        const queries = size * biasRepeat;
        const count = size + (keys[kv.names[0] ?? ""]?.dims[1] ?? 0);
        feeds["attention_bias"] = there.bias(queries, count, fillBias);
      }
      const out = await session
        .run(feeds, keep ? ["logits", ...fresh] : ["logits"])
        .catch((cause: unknown) => {
          throw asError(cause, "internal", "The forward failed");
        });
      const kept = keep ? fresh.flatMap((name) => out[name] ?? []) : [];
      const logits = wrap(out["logits"], indices.length, vocab);
      return {
        ...logits,
        fresh: kept,
        dispose: () => {
          logits.dispose();
          for (const tensor of kept) tensor.dispose();
        },
      };
    },
    release: async () => {
      there.dispose();
      await session.release();
    },
  };
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
    first: 0,
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
