import { range } from "../../src/cache/rows.ts";
import type { ForwardRequest, KvPlan, RowStats } from "../../src/core/types.ts";
import { loadModel } from "../../src/runtime/open/load-model.ts";
import { browserPlatform } from "../../src/runtime/platform/platform-browser.ts";

/**
 * The part of the cache test that runs in the page: cached forwards on WebGPU against full ones on WASM, and how many of
 * the buffers that were made are still there at the end.
 */
export interface CacheReport {
  /** Largest difference of a logit, relative to the row's largest, for each set of active rows. */
  readonly differences: readonly number[];
  readonly buffersMade: number;
  readonly buffersLeft: number;
  /** Made by further steps of the same block. */
  readonly buffersMadeLate: number;
  /** Bytes mapped for reading by the cached forwards. */
  readonly bytesRead: number;
  readonly reason: string;
}

const NONE = new Int32Array(0);
const LENGTH = 40;

export async function compareCached(model: string, runtimeUrl: string): Promise<CacheReport> {
  const counts = countBuffers();
  const { signal } = new AbortController();
  const open = (backend: "webgpu" | "wasm") => {
    const options = { backend, allowSoftware: true, runtimeUrl, variant: "q4", threads: 1 };
    return loadModel(browserPlatform(), model, options, () => {}, signal);
  };
  const { denoiser, manifest, info } = await open("webgpu");
  const reference = await open("wasm");
  const ids = Int32Array.from({ length: LENGTH }, (_, i) =>
    i > 20 && i % 3 > 0 ? manifest.tokens.mask : (i * 37) % 300,
  );
  const forward = async (rows: Int32Array, kv: KvPlan | null): Promise<RowStats> => {
    const request: ForwardRequest = {
      canvases: [ids],
      rows,
      attention: manifest.attention,
      guidance: { kind: "none" },
      signals: { topK: 16, entropy: true, current: false, probe: [] },
      suppress: [],
      kv,
      promptLen: 8,
    };
    return structuredClone(await (kv === null ? reference.denoiser : denoiser).forward(request));
  };
  const all = range(0, LENGTH);
  const differences: number[] = [];
  let bytesRead = 0;
  let late = 0;
  if (manifest.attention.kind === "full") {
    await forward(range(0, 1), { queryRows: all, readRows: NONE, writeRows: all });
    for (const queryRows of [range(16, 24), range(0, 3), Int32Array.of(5, 17, 18, 39)]) {
      const full = await forward(queryRows, null);
      const before = counts.read;
      const readRows = all.filter((row) => !queryRows.includes(row));
      const cached = await forward(queryRows, { queryRows, readRows, writeRows: queryRows });
      bytesRead += counts.read - before;
      differences.push(difference(cached, full));
    }
    const block = range(24, 32);
    const plan = { queryRows: block, readRows: all.filter((row) => !block.includes(row)), writeRows: NONE };
    await forward(block, plan);
    late = -counts.made;
    for (let step = 0; step < 3; step++) await forward(block, plan);
    late += counts.made;
  } else {
    // Blocks of the model over the blocks before them, each stored by the first forward of the next.
    const { block } = manifest.attention;
    for (let start = 8 - block; start < LENGTH; start += block) {
      const rows = range(Math.max(0, start), Math.min(LENGTH, start + block));
      const stored = range(Math.max(0, start - block), Math.max(0, start));
      const kv = {
        queryRows: range(stored[0] ?? 0, rows.at(-1)! + 1),
        readRows: range(0, stored[0] ?? 0),
        writeRows: stored,
      };
      const full = await forward(rows, null);
      differences.push(difference(await forward(rows, kv), full));
    }
  }
  await denoiser.dispose();
  await reference.denoiser.dispose();
  return {
    differences,
    bytesRead,
    buffersMade: counts.made,
    buffersLeft: counts.made - counts.freed,
    buffersMadeLate: late,
    reason: info.reason,
  };
}

export function difference(a: RowStats, b: RowStats): number {
  let worst = 0;
  for (let r = 0; r < b.rows.length; r++) {
    const scale = Math.max(1, Math.abs(b.topLogits[r * b.k]!));
    worst = Math.max(
      worst,
      Math.abs(a.lse[r]! - b.lse[r]!) / scale,
      Math.abs(a.entropy![r]! - b.entropy![r]!),
    );
    for (let i = 0; i < b.k; i++) {
      worst = Math.max(worst, Math.abs(a.topLogits[r * b.k + i]! - b.topLogits[r * b.k + i]!) / scale);
    }
    if (a.topIds[r * a.k] !== b.topIds[r * b.k]) return Number.POSITIVE_INFINITY;
  }
  return worst;
}

/** Counts the storage buffers of the cache's own usage (storage, both copies) and what is mapped for reading. */
export function countBuffers() {
  const counts = { made: 0, freed: 0, read: 0 };
  const { createBuffer } = GPUDevice.prototype;
  GPUDevice.prototype.createBuffer = function (this: GPUDevice, descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    if (descriptor.label?.startsWith("kv") === true) {
      counts.made++;
      const { destroy } = buffer;
      let isFreed = false;
      buffer.destroy = () => {
        if (!isFreed) counts.freed++;
        isFreed = true;
        return destroy.call(buffer);
      };
    }
    return buffer;
  };
  const { mapAsync } = GPUBuffer.prototype;
  GPUBuffer.prototype.mapAsync = function (this: GPUBuffer, mode, offset, size) {
    counts.read += size ?? this.size;
    return mapAsync.call(this, mode, offset, size);
  };
  return counts;
}
