import { UnmaskError } from "../core/errors.ts";
import { fromHalf, toHalf } from "../math/half.ts";
import type { OrtModule } from "../runtime/ort.ts";

/** The converter's own small runner: full forwards of a graph on onnxruntime-web's WASM, in Node or a worker. */

export interface GraphFacts {
  readonly layers: number;
  readonly kvWidth: number;
  readonly type: "f32" | "f16";
  /** "all" when absent. */
  readonly optimization?: "disabled";
}

export interface GraphRun {
  readonly ids: readonly number[];
  readonly positions: readonly number[];
  /** Rows of `ids` whose logits are wanted. */
  readonly rows: readonly number[];
  /** `[S * rep * T]` for graphs with `attention_bias`. */
  readonly bias?: Float32Array;
  /** Cached keys and values, layer by layer k then v, `[P, kvWidth]` each. */
  readonly past?: readonly Float32Array[];
  /** Rows of all keys, cached ones first, for graphs with windows; 0..S-1 when absent. */
  readonly keyRows?: readonly number[];
  /** Noise level, for graphs that take it; 0 when absent. */
  readonly sigma?: number;
}

export interface GraphResult {
  /** `[rows, vocab]`. */
  readonly logits: Float32Array;
  /** New keys and values, layer by layer k then v, `[S, kvWidth]` each. */
  readonly cache: readonly Float32Array[];
}

export interface GraphRunner {
  run(input: GraphRun): Promise<GraphResult>;
  dispose(): Promise<void>;
}

/** @throws UnmaskError `graph-mismatch` when the runtime refuses the graph. */
export async function openGraph(
  ort: OrtModule,
  model: Uint8Array,
  data: readonly { readonly path: string; readonly data: Uint8Array }[],
  facts: GraphFacts,
): Promise<GraphRunner> {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ["wasm"],
    externalData: [...data],
    graphOptimizationLevel: facts.optimization ?? "all",
  }).catch((cause: unknown) => {
    throw new UnmaskError("graph-mismatch", `onnxruntime refuses the converted graph: ${String(cause)}`, {
      cause,
    });
  });
  const { layers, kvWidth, type } = facts;
  const takes = (name: string) => session.inputNames.includes(name);
  const longs = (values: readonly number[], dims: number[]) =>
    new ort.Tensor("int64", BigInt64Array.from(values, BigInt), dims);
  const floats = (values: Float32Array, dims: number[]) =>
    type === "f32"
      ? new ort.Tensor("float32", values, dims)
      : new ort.Tensor("float16", toHalf(values), dims);
  const read = (tensor: { readonly data: unknown } | undefined): Float32Array => {
    const values = tensor?.data;
    if (values instanceof Float32Array) return values;
    if (values instanceof Uint16Array) return fromHalf(values);
    if (ArrayBuffer.isView(values))
      return fromHalf(new Uint16Array(values.buffer, values.byteOffset, values.byteLength / 2));
    throw new UnmaskError("graph-mismatch", "The graph did not return the outputs it promises.");
  };
  const cacheNames = Array.from({ length: layers * 2 }, (_, at) => `${at % 2 === 0 ? "k" : "v"}.${at >> 1}`);
  return {
    async run({ ids, positions, rows, bias, past, keyRows = ids.map((_, row) => row), sigma = 0 }) {
      const total = ids.length + (past?.[0] === undefined ? 0 : past[0].length / kvWidth);
      const feeds = {
        input_ids: longs(ids, [1, ids.length]),
        position_ids: longs(positions, [1, ids.length]),
        logit_indices: longs(rows, [rows.length]),
        ...(takes("key_rows") && { key_rows: longs(keyRows, [1, total]) }),
        ...(takes("sigma") && { sigma: new ort.Tensor("float32", Float32Array.of(sigma), [1]) }),
        ...(bias && { attention_bias: floats(bias, [1, 1, bias.length / total, total]) }),
        ...Object.fromEntries(
          cacheNames.map((name, at) => {
            const values = past?.[at] ?? new Float32Array(0);
            return [`past_${name}`, floats(values, [1, values.length / kvWidth, kvWidth])];
          }),
        ),
      };
      const out = await session.run(feeds);
      return { logits: read(out["logits"]), cache: cacheNames.map((name) => read(out[`new_${name}`])) };
    },
    dispose: () => session.release(),
  };
}
