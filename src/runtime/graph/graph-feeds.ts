import { toHalf } from "../../math/half.ts";
import type { OrtModule, OrtTensor } from "../ort/ort.ts";

/** Usage bits by value: Node has no `GPUBufferUsage`. */
const USAGE = { copySrc: 4, copyDst: 8, storage: 128 } as const;

type Float = "float32" | "float16";
/** Fills an attention bias; `closed` hides a key. */
export type FillBias = (bias: { [index: number]: number }, closed: number) => void;

/** Inputs of a graph. They are made once for a shape and filled again while it stays, as it does within a block. */
export interface GraphFeeds {
  /** An int64 input of one dimension, or of `batch` rows of equal length. */
  longs(): (values: ArrayLike<number>, batch?: number) => OrtTensor;
  /** `[1, 1, queries, keys]`; zeros where nothing fills it. */
  bias(queries: number, keys: number, fill: FillBias | undefined): OrtTensor;
  dispose(): void;
}

/** A masked key of a row that attends to another one weighs nothing beside it; -1e9 is not an f16 number. */
const CLOSED = { float32: -1e9, float16: -3e4 } as const;

/** Feeds in this realm's memory: onnxruntime copies them in every run. */
export function createCpuFeeds(ort: OrtModule, float: Float): GraphFeeds {
  let tensor: OrtTensor | undefined;
  let floats = makeFloats(float, 0);
  return {
    longs: () => {
      let values = new BigInt64Array(0);
      let made: OrtTensor | undefined;
      return (numbers, batch) => {
        const dims = dimsOf(numbers.length, batch);
        if (made === undefined || values.length !== numbers.length || made.dims[0] !== dims[0]) {
          values = new BigInt64Array(numbers.length);
          made = new ort.Tensor("int64", values, dims);
        }
        for (let i = 0; i < numbers.length; i++) values[i] = BigInt(numbers[i]!);
        return made;
      };
    },
    bias(queries, keys, fill) {
      const dims = [1, 1, queries, keys];
      if (tensor === undefined || tensor.dims[2] !== queries || tensor.dims[3] !== keys) {
        floats = makeFloats(float, queries * keys);
        tensor =
          floats instanceof Float32Array
            ? new ort.Tensor("float32", floats, dims)
            : new ort.Tensor("float16", floats, dims);
      }
      fillFloats(floats, fill);
      return tensor;
    },
    dispose() {},
  };
}

/**
 * Feeds on the device, in buffers that are kept: onnxruntime makes a buffer for everything that it has to bring there
 * itself, in every run.
 */
export function createGpuFeeds(ort: OrtModule, device: GPUDevice, float: Float): GraphFeeds {
  const buffers: GPUBuffer[] = [];
  /** A tensor over a buffer of its own that grows; the same object as long as the dimensions stay. */
  const slot = (dataType: "int64" | Float) => {
    let buffer: GPUBuffer | undefined;
    let tensor: OrtTensor | undefined;
    return (bytes: ArrayBufferView<ArrayBuffer>, dims: readonly number[]): OrtTensor => {
      if (buffer === undefined || buffer.size < bytes.byteLength) {
        buffer?.destroy();
        const size = 2 ** Math.ceil(Math.log2(Math.max(256, bytes.byteLength)));
        buffer = device.createBuffer({ size, usage: USAGE.storage | USAGE.copySrc | USAGE.copyDst });
        buffers.push(buffer);
        tensor = undefined;
      }
      device.queue.writeBuffer(buffer, 0, bytes);
      if (tensor === undefined || dims.some((size, i) => size !== tensor?.dims[i])) {
        tensor = ort.Tensor.fromGpuBuffer(buffer, { dataType, dims: [...dims] }) as OrtTensor;
      }
      return tensor;
    };
  };
  const biasSlot = slot(float);
  let floats = makeFloats(float, 0);
  return {
    longs: () => {
      const place = slot("int64");
      let values = new BigInt64Array(0);
      return (numbers, batch) => {
        if (values.length !== numbers.length) values = new BigInt64Array(numbers.length);
        for (let i = 0; i < numbers.length; i++) values[i] = BigInt(numbers[i]!);
        return place(values, dimsOf(numbers.length, batch));
      };
    },
    bias(queries, keys, fill) {
      // A write is whole words.
      const count = queries * keys + ((queries * keys) % 2);
      if (floats.length !== count) floats = makeFloats(float, count);
      fillFloats(floats, fill);
      return biasSlot(floats, [1, 1, queries, keys]);
    },
    dispose() {
      for (const buffer of buffers) buffer.destroy();
    },
  };
}

function dimsOf(size: number, batch: number | undefined): number[] {
  return batch === undefined ? [size] : [batch, size / batch];
}

function makeFloats(float: Float, count: number): Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
  return float === "float32" ? new Float32Array(count) : new Uint16Array(count);
}

function fillFloats(floats: Float32Array | Uint16Array, fill: FillBias | undefined): void {
  const isHalf = floats instanceof Uint16Array;
  if (fill === undefined) floats.fill(0);
  else fill(floats, isHalf ? toHalf(Float32Array.of(CLOSED.float16))[0]! : CLOSED.float32);
}
