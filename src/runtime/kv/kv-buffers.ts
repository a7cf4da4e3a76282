import type { RowCopy } from "../../cache/slots.ts";
import type { OrtModule, OrtTensor } from "../ort/ort.ts";

/** The keys and values of a graph: `names` inputs of `[1, P, width]`. */
export interface KvShape {
  /** Graph inputs, two a layer. */
  readonly names: readonly string[];
  readonly width: number;
  readonly float: "float32" | "float16";
}

/** One buffer a graph input, with room for more rows than are in use. A row is contiguous. */
export interface KvBuffers {
  /** Makes room for `rows` rows; what is stored stays. */
  reserve(rows: number): void;
  /** Rows that a buffer can have on this device. */
  readonly maxRows: number;
  /**
   * The first `rows` rows as graph inputs `[batch, rows / batch, width]`, of one canvas when `batch` is absent; the same
   * objects as long as nothing grows.
   */
  tensors(rows: number, batch?: number): Readonly<Record<string, OrtTensor>>;
  /** Exchanges ranges that do not overlap, in every buffer. */
  swap(ranges: readonly RowCopy[]): void;
  /** Copies rows of the graph's outputs, in the order of the names, into the buffers. */
  copyIn(fresh: readonly OrtTensor[], ranges: readonly RowCopy[]): void;
  dispose(): void;
}

export function rowBytes({ width, float }: KvShape): number {
  return width * (float === "float32" ? 4 : 2);
}

/** Capacities are multiples of this, so that a canvas that grows by a block does not move everything. */
const CHUNK_ROWS = 64;

export function capacityFor(rows: number): number {
  return CHUNK_ROWS * Math.ceil(rows / CHUNK_ROWS);
}

/** The largest number of rows whose capacity is at most `rows`. */
export function fittingRows(rows: number): number {
  return CHUNK_ROWS * Math.floor(rows / CHUNK_ROWS);
}

/** Buffers in this realm's memory, for WASM. onnxruntime copies what it reads of them in every run. */
export function createCpuBuffers(ort: OrtModule, shape: KvShape): KvBuffers {
  const { names, width, float } = shape;
  const size = rowBytes(shape);
  let capacity = 0;
  let buffers: Uint8Array<ArrayBuffer>[] = names.map(() => new Uint8Array(0));
  let scratch = new Uint8Array(0);
  let views: { rows: number; batch: number; tensors: Readonly<Record<string, OrtTensor>> } | undefined;
  return {
    maxRows: Number.POSITIVE_INFINITY,
    reserve(rows) {
      if (rows <= capacity) return;
      capacity = capacityFor(rows);
      buffers = buffers.map((old) => {
        const grown = new Uint8Array(capacity * size);
        grown.set(old);
        return grown;
      });
      views = undefined;
    },
    tensors(rows, batch = 1) {
      if (views?.rows === rows && views.batch === batch) return views.tensors;
      const dims = [batch, rows / batch, width];
      const tensors = names.map((name, i) => {
        const { buffer } = buffers[i]!;
        const tensor: OrtTensor =
          float === "float32"
            ? new ort.Tensor("float32", new Float32Array(buffer, 0, rows * width), dims)
            : new ort.Tensor("float16", new Uint16Array(buffer, 0, rows * width), dims);
        return [name, tensor] as const;
      });
      views = { rows, batch, tensors: Object.fromEntries(tensors) };
      return views.tensors;
    },
    swap(ranges) {
      const longest = size * Math.max(0, ...ranges.map(({ count }) => count));
      if (scratch.length < longest) scratch = new Uint8Array(longest);
      for (const bytes of buffers) {
        for (const { from, to, count } of ranges) {
          scratch.set(bytes.subarray(to * size, (to + count) * size));
          bytes.copyWithin(to * size, from * size, (from + count) * size);
          bytes.set(scratch.subarray(0, count * size), from * size);
        }
      }
    },
    copyIn(fresh, ranges) {
      for (const [i, { data }] of fresh.entries()) {
        const { buffer, byteOffset, byteLength } = data as Float32Array | Uint16Array; // the graph's floats
        const source = new Uint8Array(buffer, byteOffset, byteLength);
        for (const { from, to, count } of ranges) {
          buffers[i]!.set(source.subarray(from * size, (from + count) * size), to * size);
        }
      }
    },
    dispose() {
      capacity = 0;
      buffers = names.map(() => new Uint8Array(0));
      views = undefined;
    },
  };
}
