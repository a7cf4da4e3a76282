import { toHalf } from "../../math/half.ts";
import {
  type Attribute,
  type ElementType,
  encodeModel,
  encodeOpenModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
  type OpenModel,
} from "../../onnx/write.ts";

/** Bytes of a weight, made when the data file is written; sizes are known before any weight is read. */
export interface Weight {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly bytes: number;
  load(): Promise<Uint8Array>;
  /** The same bytes in order, for weights that need not be in memory as a whole. */
  parts?(): AsyncIterable<Uint8Array>;
}

export interface GraphBuilder {
  readonly inputs: OnnxValue[];
  readonly outputs: OnnxValue[];
  /** Adds an ai.onnx node and returns its output. */
  op(op: string, inputs: readonly string[], attributes?: Attributes, output?: string): string;
  /** Adds a com.microsoft node with `outputs` outputs and returns their names. */
  microsoft(
    op: string,
    inputs: readonly string[],
    attributes: Attributes,
    outputs?: readonly string[],
  ): string[];
  /** Adds a weight, once however often it is asked for. */
  weight(weight: Weight): string;
  ints(values: readonly number[]): string;
  scalar(value: number, type: "f32" | "f16" | "u8"): string;
  /**
   * The graph with its weights in files of their own.
   *
   * @param shared data files of another graph: weights that they hold (name and type) are read there, not written again
   */
  finish(location: string, shared?: readonly DataShard[]): PlannedGraph;
  /** The graph with its weights inside, to be written front to back; protobuf ends at 2 GB. */
  whole(): OpenModel<Weight>;
}

export type Attributes = Readonly<Record<string, Attribute>>;

/** Where each external weight lies in its data file, and the graph that says so. */
export interface PlannedGraph {
  readonly model: Uint8Array<ArrayBuffer>;
  /** Those of this graph alone. */
  readonly shards: readonly DataShard[];
}

export interface DataShard {
  /** File name, equal to `location` in the graph. */
  readonly location: string;
  readonly bytes: number;
  readonly pieces: readonly { readonly offset: number; readonly weight: Weight }[];
}

const ALIGN = 64;
/** ArrayBuffers and WASM memory both end near 2 GB; architecture.md asks for 1 GB. */
export const MAX_SHARD_BYTES = 1_000_000_000;

export function createGraph(): GraphBuilder {
  const nodes: OnnxNode[] = [];
  const weights = new Map<string, Weight>();
  const inline = new Map<string, OnnxTensor>();
  const inputs: OnnxValue[] = [];
  const outputs: OnnxValue[] = [];
  let serial = 0;
  const fresh = () => `t${serial++}`;
  const constant = (name: string, type: ElementType, dims: readonly number[], raw: Uint8Array): string => {
    inline.set(name, { name, type, dims, content: { raw } });
    return name;
  };
  return {
    inputs,
    outputs,
    op(op, ins, attributes = {}, output = fresh()) {
      nodes.push({ op, domain: "", inputs: ins, outputs: [output], attributes });
      return output;
    },
    microsoft(op, ins, attributes, outs = [fresh()]) {
      nodes.push({ op, domain: "com.microsoft", inputs: ins, outputs: outs, attributes });
      return [...outs];
    },
    weight(weight) {
      weights.set(weight.name, weight);
      return weight.name;
    },
    ints(values) {
      const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
      return constant(`ints_${values.join("_")}`, "i64", [values.length], bytes);
    },
    scalar(value, type) {
      const bytes =
        type === "f32" ? Float32Array.of(value) : type === "u8" ? Uint8Array.of(value) : halfOf(value);
      return constant(`${type}_${value}`, type, [], new Uint8Array(bytes.buffer));
    },
    finish(location, shared = []) {
      const stored = shared.flatMap(({ pieces }) => pieces.map(({ weight }) => weight));
      const own = [...weights.values()].filter(
        ({ name, type }) => !stored.some((weight) => weight.name === name && weight.type === type),
      );
      const shards = layOut(own, location);
      const placed = [...shared, ...shards].flatMap((shard) =>
        shard.pieces.map(({ offset, weight }): OnnxTensor => {
          const content = { location: shard.location, offset, length: weight.bytes };
          return { name: weight.name, type: weight.type, dims: weight.dims, content };
        }),
      );
      const used = placed.filter(({ name, type }) => weights.get(name)?.type === type);
      const initializers = [...inline.values(), ...used];
      return { model: encodeModel({ nodes, initializers, inputs, outputs }), shards };
    },
    whole: () =>
      encodeOpenModel({ nodes, initializers: [...inline.values()], inputs, outputs }, [...weights.values()]),
  };
}

function halfOf(value: number): Uint16Array {
  return toHalf(Float32Array.of(value));
}

/** Packs weights in order, aligned, into files of at most `MAX_SHARD_BYTES`. */
export function layOut(
  weights: readonly Weight[],
  location: string,
  maxBytes = MAX_SHARD_BYTES,
): DataShard[] {
  const shards: { location: string; bytes: number; pieces: { offset: number; weight: Weight }[] }[] = [];
  for (const weight of weights) {
    let shard = shards.at(-1);
    const start = Math.ceil((shard?.bytes ?? 0) / ALIGN) * ALIGN;
    if (shard === undefined || (shard.bytes > 0 && start + weight.bytes > maxBytes)) {
      shard = {
        location: shards.length === 0 ? location : `${location}_${shards.length}`,
        bytes: 0,
        pieces: [],
      };
      shards.push(shard);
    }
    const offset = Math.ceil(shard.bytes / ALIGN) * ALIGN;
    shard.pieces.push({ offset, weight });
    shard.bytes = offset + weight.bytes;
  }
  return shards;
}

/** A data file in memory: for tests, `verify` and the golden forward. */
export async function readShard(shard: DataShard): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(shard.bytes);
  for (const { offset, weight } of shard.pieces) out.set(await weight.load(), offset);
  return out;
}
