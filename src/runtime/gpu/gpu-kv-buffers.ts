import type { RowCopy } from "../../cache/slots.ts";
import { UnmaskError } from "../../core/errors.ts";
import { capacityFor, fittingRows, type KvBuffers, type KvShape, rowBytes } from "../kv/kv-buffers.ts";
import type { OrtModule, OrtTensor } from "../ort/ort.ts";

/** Usage bits by value: Node has no `GPUBufferUsage`. */
const USAGE = { copySrc: 4, copyDst: 8, storage: 128 } as const;

/**
 * Buffers on the device, bound to the graph as they are: keys and values never leave the GPU.
 *
 * A tensor may be smaller than its buffer (runtime-graph measurements), so the number of rows varies without copies.
 *
 * @throws UnmaskError `out-of-memory` from `reserve` when a buffer is larger than the device binds
 */
export function createGpuBuffers(ort: OrtModule, device: GPUDevice, shape: KvShape): KvBuffers {
  const { names, width, float } = shape;
  const size = rowBytes(shape);
  let capacity = 0;
  let buffers: readonly GPUBuffer[] = [];
  let scratch: GPUBuffer | undefined;
  let views: { rows: number; batch: number; tensors: Readonly<Record<string, OrtTensor>> } | undefined;
  const limit = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);

  const make = (bytes: number) =>
    device.createBuffer({ label: "kv", size: bytes, usage: USAGE.storage | USAGE.copySrc | USAGE.copyDst });
  const submit = (record: (encoder: GPUCommandEncoder) => void) => {
    const encoder = device.createCommandEncoder();
    record(encoder);
    device.queue.submit([encoder.finish()]);
  };
  const free = () => {
    for (const buffer of buffers) buffer.destroy();
    scratch?.destroy();
    buffers = [];
    scratch = undefined;
    views = undefined;
  };
  return {
    maxRows: fittingRows(Math.floor(limit / size)),
    reserve(rows) {
      if (rows <= capacity) return;
      const wanted = capacityFor(rows);
      if (wanted * size > limit) {
        throw new UnmaskError(
          "out-of-memory",
          `The keys of ${rows} tokens need ${wanted * size} bytes at once and the GPU binds ${limit}.`,
          { detail: { neededBytes: wanted * size, limitBytes: limit } },
        );
      }
      const grown = names.map(() => make(wanted * size));
      submit((encoder) => {
        for (const [i, old] of buffers.entries()) encoder.copyBufferToBuffer(old, 0, grown[i]!, 0, old.size);
      });
      free();
      buffers = grown;
      capacity = wanted;
    },
    tensors(rows, batch = 1) {
      if (views?.rows === rows && views.batch === batch) return views.tensors;
      const dims = [batch, rows / batch, width];
      const tensors = names.map((name, i) => {
        const tensor = ort.Tensor.fromGpuBuffer(buffers[i]!, { dataType: float, dims });
        return [name, tensor as OrtTensor] as const;
      });
      views = { rows, batch, tensors: Object.fromEntries(tensors) };
      return views.tensors;
    },
    swap(ranges) {
      if (ranges.length === 0) return;
      const longest = 2 * size * Math.max(...ranges.map(({ count }) => count));
      if (scratch === undefined || scratch.size < longest) {
        scratch?.destroy();
        scratch = make(longest);
      }
      const spare = scratch;
      submit((encoder) => {
        for (const buffer of buffers)
          for (const range of ranges) exchange(encoder, buffer, spare, range, size);
      });
    },
    copyIn(fresh, ranges) {
      submit((encoder) => {
        for (const [i, tensor] of fresh.entries()) {
          const source = tensor.gpuBuffer as GPUBuffer; // the session is asked to leave these outputs on the device
          for (const { from, to, count } of ranges) {
            encoder.copyBufferToBuffer(source, from * size, buffers[i]!, to * size, count * size);
          }
        }
      });
    },
    dispose() {
      free();
      capacity = 0;
    },
  };
}

/** WebGPU does not copy within one buffer, so both sides go through the spare one. */
function exchange(
  encoder: GPUCommandEncoder,
  buffer: GPUBuffer,
  spare: GPUBuffer,
  { from, to, count }: RowCopy,
  size: number,
): void {
  const bytes = count * size;
  encoder.copyBufferToBuffer(buffer, from * size, spare, 0, bytes);
  encoder.copyBufferToBuffer(buffer, to * size, spare, bytes, bytes);
  encoder.copyBufferToBuffer(spare, 0, buffer, to * size, bytes);
  encoder.copyBufferToBuffer(spare, bytes, buffer, from * size, bytes);
}
