import type { SignalRequest } from "../../core/types.ts";

/** Set in a slot whose row has no earlier distribution. */
export const FRESH_SLOT = 0x80000000;

/** The last distribution of each canvas row, kept on the GPU for the divergence that KLASS asks for. */
export interface GpuHistory {
  /** `[slots, vocab]` probabilities. */
  readonly buffer: GPUBuffer;
  /**
   * Writes the slot of each row to `out`, {@link FRESH_SLOT} added where the row was not kept before. A row keeps its
   * slot until `first`. More rows than fit the device's largest buffer push out all that were kept: those start anew.
   */
  assign(rows: Int32Array, mode: NonNullable<SignalRequest["klPrevious"]>, out: Uint32Array): void;
  destroy(): void;
}

/** @param usage bits of a storage buffer that can be copied from and to */
export function createGpuHistory(device: GPUDevice, vocab: number, usage: number): GpuHistory {
  const most = rowsThatFit(device, vocab);
  const slots = new Map<number, number>();
  let capacity = 0;
  let buffer = device.createBuffer({ size: 256, usage });

  const grow = (wanted: number): void => {
    if (wanted <= capacity) return;
    const kept = buffer;
    const bytes = 4 * vocab * capacity;
    capacity = Math.min(most, Math.max(8, 2 ** Math.ceil(Math.log2(wanted))));
    buffer = device.createBuffer({ size: Math.max(256, 4 * vocab * capacity), usage });
    if (bytes > 0) {
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(kept, 0, buffer, 0, bytes);
      device.queue.submit([encoder.finish()]);
    }
    kept.destroy();
  };
  return {
    get buffer() {
      return buffer;
    },
    assign(rows, mode, out) {
      let fresh = 0;
      for (const row of rows) if (!slots.has(row)) fresh++;
      if (mode === "first" || slots.size + fresh > most) slots.clear();
      for (const [r, row] of rows.entries()) {
        const kept = slots.get(row);
        if (kept === undefined) slots.set(row, slots.size);
        out[r] = kept ?? (slots.size - 1 + FRESH_SLOT) >>> 0;
      }
      grow(slots.size);
    },
    destroy: () => buffer.destroy(),
  };
}

/** Rows of the vocabulary in the largest buffer that a kernel can see. */
export function rowsThatFit(device: GPUDevice, vocab: number): number {
  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
  return Math.floor(Math.min(maxStorageBufferBindingSize, maxBufferSize) / (4 * vocab));
}
