import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { cutGraph } from "../../src/convert/graph/cut-graph.ts";
import { UnmaskError } from "../../src/core/errors.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import type { OrtModule, OrtSession, OrtTensor } from "../../src/runtime/ort/ort.ts";

/** What crosses the cut, by name, `[rows, width]` each. */
export type Stream = ReadonlyMap<string, Float32Array>;

/** Rows of a part's input and the keys and values that they may also look at. */
export interface Rows {
  /** Canvas rows, `[S]`. */
  readonly positions: readonly number[];
  /** Layer by layer k then v, `[P, width]` each; absent: none. */
  readonly past?: readonly Float32Array[];
}

/** A bundle's graph cut in two; see src/convert/graph/cut-graph.ts. */
export interface TwoParts {
  readonly width: number;
  /** Layers of each part. */
  readonly layers: { readonly lower: number; readonly upper: number };
  lower(ids: readonly number[], rows: Rows): Promise<{ stream: Stream; kept: readonly Float32Array[] }>;
  /** @returns logits of the rows at `wanted`, indices into the positions, `[L, vocab]` */
  upper(stream: Stream, rows: Rows, wanted: readonly number[]): Promise<Float32Array>;
  release(): Promise<void>;
}

/**
 * @param folder of the bundle, on this machine
 * @param where -1: behind the embedding; n: behind layer n
 * @throws UnmaskError `checkpoint-unsupported`, `not-found`
 */
export async function openTwoParts(
  ort: OrtModule,
  folder: string,
  manifest: Manifest,
  variant: string,
  where: number,
): Promise<TwoParts> {
  const files = manifest.variants[variant];
  if (files === undefined || files.from !== undefined) {
    throw new UnmaskError("variant-missing", `The weights ${variant} cannot be read from a file here.`);
  }
  const { layers, kvWidth: width } = manifest;
  const graph = await readFile(join(folder, files.graph));
  const externalData = await Promise.all(
    files.data.map(async (path) => ({
      path: path.split("/").at(-1)!,
      data: await readFile(join(folder, path)),
    })),
  );
  const open = (part: Uint8Array): Promise<OrtSession> =>
    ort.InferenceSession.create(part, { executionProviders: ["wasm"], externalData });
  const parts = cutGraph(graph, where, width);
  const [lower, upper] = [await open(parts.lower), await open(parts.upper)];
  const longs = (values: readonly number[], dims: number[]): OrtTensor =>
    new ort.Tensor("int64", BigInt64Array.from(values, BigInt), dims);
  const floats = (values: Float32Array): OrtTensor =>
    new ort.Tensor("float32", values, [1, values.length / width, width]);
  const nothing = new Float32Array(0);
  const inputs = (session: OrtSession, { positions, past = [] }: Rows) => {
    const caches = session.inputNames.filter((name) => name.startsWith("past_"));
    return {
      ...(session.inputNames.includes("position_ids")
        ? { position_ids: longs(positions, [1, positions.length]) }
        : {}),
      ...Object.fromEntries(caches.map((name, at) => [name, floats(past[at] ?? nothing)])),
    };
  };
  const read = (tensor: OrtTensor | undefined): Float32Array => (tensor!.data as Float32Array).slice(); // f32 graphs only
  return {
    width,
    layers: { lower: where + 1, upper: layers - where - 1 },
    lower: async (ids, rows) => {
      const feeds = { input_ids: longs(ids, [1, ids.length]), ...inputs(lower, rows) };
      const out = await lower.run(feeds);
      const fresh = lower.outputNames.filter((name) => name.startsWith("new_"));
      return {
        stream: new Map(parts.cut.map((name) => [name, read(out[name])])),
        kept: fresh.map((name) => read(out[name])),
      };
    },
    upper: async (stream, rows, wanted) => {
      const vectors = Object.fromEntries([...stream].map(([name, values]) => [name, floats(values)]));
      const logit_indices = longs(wanted, [wanted.length]);
      const out = await upper.run({ ...vectors, ...inputs(upper, rows), logit_indices }, ["logits"]);
      return read(out["logits"]);
    },
    release: async () => {
      await lower.release();
      await upper.release();
    },
  };
}

/** The rows of a stream at `places`. */
export function pickRows(stream: Stream, width: number, places: readonly number[]): Stream {
  return new Map([...stream].map(([name, values]) => [name, rowsAt(values, width, places)]));
}

/** `[P, width]` of the rows of `values` at `places`. */
export function rowsAt(values: Float32Array, width: number, places: readonly number[]): Float32Array {
  const out = new Float32Array(places.length * width);
  for (const [i, place] of places.entries()) {
    out.set(values.subarray(place * width, (place + 1) * width), i * width);
  }
  return out;
}
