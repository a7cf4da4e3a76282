/** Stands for a row without kept logits. */
export const NO_PLACE = 0xffffffff;

/** Unconditional logits of the rows of one forward, kept on the GPU for residual guidance. */
export interface GpuGuide {
  /** `[rows kept, vocab]` */
  readonly buffer: GPUBuffer;
  /** Keeps the logits of a forward, `[R, vocab]` in the order of `rows` from row `first` on, in place of what was kept. */
  keep(logits: GPUBuffer, first: number, rows: Int32Array): void;
  /** Writes to `out` where each row is kept, {@link NO_PLACE} where it is not. */
  find(rows: Int32Array, out: Uint32Array): void;
  destroy(): void;
}

/** @param usage bits of a storage buffer that can be copied to */
export function createGpuGuide(device: GPUDevice, vocab: number, usage: number): GpuGuide {
  const places = new Map<number, number>();
  let buffer = device.createBuffer({ size: 256, usage });
  return {
    get buffer() {
      return buffer;
    },
    keep(logits, first, rows) {
      const bytes = 4 * vocab * rows.length;
      if (buffer.size < bytes) {
        buffer.destroy();
        buffer = device.createBuffer({ size: bytes, usage });
      }
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(logits, 4 * vocab * first, buffer, 0, bytes);
      device.queue.submit([encoder.finish()]);
      places.clear();
      for (const [place, row] of rows.entries()) places.set(row, place);
    },
    find(rows, out) {
      for (const [r, row] of rows.entries()) out[r] = places.get(row) ?? NO_PLACE;
    },
    destroy: () => buffer.destroy(),
  };
}
