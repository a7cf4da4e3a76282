import type * as Ort from "onnxruntime-web";
import { UnmaskError } from "../../core/errors.ts";
import { fromHalf } from "../../math/half.ts";
import type { OrtModule } from "../../runtime/ort/ort.ts";

/** One input of a graph as plain data, so that it can cross to another process. `float16` are bits. */
export type GraphFeed =
  | { readonly type: "int64"; readonly values: readonly number[]; readonly dims: readonly number[] }
  | { readonly type: "float32"; readonly values: Float32Array; readonly dims: readonly number[] }
  | { readonly type: "float16"; readonly values: Uint16Array; readonly dims: readonly number[] };

/** A data file of a graph, by the location that the graph names. */
export interface GraphData {
  readonly path: string;
  readonly data: Uint8Array;
}

/** A graph that can be run. */
export interface HostedGraph {
  readonly inputNames: readonly string[];
  /** @returns outputs of floats by name, widened to f32 */
  run(feeds: Readonly<Record<string, GraphFeed>>): Promise<Readonly<Record<string, Float32Array>>>;
  release(): Promise<void>;
}

/** Where the converter runs the graphs it made: onnxruntime here, or in a browser. */
export interface GraphHost {
  /**
   * @param optimization "all" when absent
   * @throws UnmaskError `graph-mismatch` when the runtime refuses the graph
   */
  open(model: Uint8Array, data: readonly GraphData[], optimization?: "disabled"): Promise<HostedGraph>;
}

/** onnxruntime on one backend of this realm. */
export function ortHost(
  ort: Pick<typeof Ort, "InferenceSession" | "Tensor">,
  provider: Ort.InferenceSession.ExecutionProviderConfig,
): GraphHost {
  return {
    async open(model, data, optimization = undefined) {
      const session = await ort.InferenceSession.create(model, {
        executionProviders: [provider],
        externalData: [...data],
        graphOptimizationLevel: optimization ?? "all",
      }).catch((cause: unknown) => {
        throw new UnmaskError("graph-mismatch", `onnxruntime refuses the graph: ${String(cause)}`, { cause });
      });
      return {
        inputNames: session.inputNames,
        async run(feeds) {
          const entries = Object.entries(feeds).map(([name, feed]) => [name, tensorOf(ort, feed)] as const);
          const out = Object.entries(await session.run(Object.fromEntries(entries)));
          return Object.fromEntries(out.map(([name, tensor]) => [name, floatsOf(tensor.data)] as const));
        },
        release: () => session.release(),
      };
    },
  };
}

let wasm: Promise<GraphHost> | undefined;

/** onnxruntime-web's WASM in this realm, with one thread. */
export function wasmHost(): Promise<GraphHost> {
  wasm ??= import("onnxruntime-web").then(wasmHostOf);
  return wasm;
}

/** The WASM of a given build of onnxruntime-web, with one thread. */
export function wasmHostOf(ort: OrtModule): GraphHost {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return ortHost(ort, "wasm");
}

function tensorOf(ort: Pick<typeof Ort, "Tensor">, { type, values, dims }: GraphFeed): Ort.Tensor {
  if (type === "int64") return new ort.Tensor(type, BigInt64Array.from(values, BigInt), dims);
  return type === "float32" ? new ort.Tensor(type, values, dims) : new ort.Tensor(type, values, dims);
}

function floatsOf(values: unknown): Float32Array {
  if (values instanceof Float32Array) return values;
  if (values instanceof Uint16Array) return fromHalf(values);
  // A Float16Array, which this compile target does not know by name.
  if (ArrayBuffer.isView(values)) {
    return fromHalf(new Uint16Array(values.buffer, values.byteOffset, values.byteLength / 2));
  }
  throw new UnmaskError("graph-mismatch", "The graph did not return the outputs it promises.");
}
