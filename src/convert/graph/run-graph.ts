import { UnmaskError } from "../../core/errors.ts";
import { toHalf } from "../../math/half.ts";
import { type GraphData, type GraphFeed, type GraphHost, wasmHost } from "./graph-host.ts";

/** The converter's own small runner: full forwards of a converted graph. */

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

/**
 * @param host onnxruntime-web's WASM in this realm when absent
 * @throws UnmaskError `graph-mismatch` when the runtime refuses the graph
 */
export async function openGraph(
  model: Uint8Array,
  data: readonly GraphData[],
  { layers, kvWidth, type, optimization }: GraphFacts,
  host?: GraphHost,
): Promise<GraphRunner> {
  const graph = await (host ?? (await wasmHost())).open(model, data, optimization);
  const takes = (name: string) => graph.inputNames.includes(name);
  const longs = (values: readonly number[], dims: number[]): GraphFeed => ({ type: "int64", values, dims });
  const floats = (values: Float32Array, dims: number[]): GraphFeed =>
    type === "f32" ? { type: "float32", values, dims } : { type: "float16", values: toHalf(values), dims };
  const cacheNames = Array.from({ length: layers * 2 }, (_, at) => `${at % 2 === 0 ? "k" : "v"}.${at >> 1}`);
  return {
    async run({ ids, positions, rows, bias, past, keyRows = ids.map((_, row) => row), sigma = 0 }) {
      const total = ids.length + (past?.[0] === undefined ? 0 : past[0].length / kvWidth);
      const out = await graph.run({
        input_ids: longs(ids, [1, ids.length]),
        position_ids: longs(positions, [1, ids.length]),
        logit_indices: longs(rows, [rows.length]),
        ...(takes("key_rows") && { key_rows: longs(keyRows, [1, total]) }),
        ...(takes("sigma") && {
          sigma: { type: "float32", values: Float32Array.of(sigma), dims: [1] } as const,
        }),
        ...(bias && { attention_bias: floats(bias, [1, 1, bias.length / total, total]) }),
        ...Object.fromEntries(
          cacheNames.map((name, at) => {
            const values = past?.[at] ?? new Float32Array(0);
            return [`past_${name}`, floats(values, [1, values.length / kvWidth, kvWidth])];
          }),
        ),
      });
      const read = (name: string): Float32Array => {
        const values = out[name];
        if (values !== undefined) return values;
        throw new UnmaskError("graph-mismatch", "The graph did not return the outputs it promises.");
      };
      return { logits: read("logits"), cache: cacheNames.map((name) => read(`new_${name}`)) };
    },
    dispose: () => graph.release(),
  };
}
