import { range } from "../../src/cache/rows.ts";
import type { BatchReport, ForwardRequest, KvPlan, RowStats } from "../../src/core/types.ts";
import { type LoadedModel, loadModel } from "../../src/runtime/open/load-model.ts";
import { browserPlatform } from "../../src/runtime/platform/platform-browser.ts";
import { countBuffers, difference } from "./cache.ts";

/** The part of the batch test that runs in the page: several canvases in one run on WebGPU against a run each. */
export interface GpuBatchReport {
  /** Largest difference of a logit, relative to the row's largest, of each answer. */
  readonly differences: readonly number[];
  readonly batches: readonly (BatchReport | undefined)[];
  readonly buffersLeft: number;
  /** Made by further steps over the same cached rows. */
  readonly buffersMadeLate: number;
}

const NONE = new Int32Array(0);
const LENGTH = 40;
const ALL = range(0, LENGTH);

export async function compareBatched(model: string, runtimeUrl: string): Promise<GpuBatchReport> {
  const counts = countBuffers();
  const answers: RowStats[][] = [];
  let late = 0;
  // One model at a time may have the GPU.
  for (const batch of [true, false]) {
    const { signal } = new AbortController();
    const options = { backend: "webgpu", allowSoftware: true, runtimeUrl, variant: "q4", batch } as const;
    const loaded = await loadModel(browserPlatform(), model, options, () => {}, signal);
    const { denoiser } = loaded;
    const found: RowStats[] = [];
    for (const requests of requestsOf(loaded)) {
      const all = structuredClone(await denoiser.forwardAll!(requests));
      found.push(...all.flatMap((stats) => [stats, ...(stats.drafts ?? [])]));
    }
    if (batch) {
      const steady = requestsOf(loaded).at(-1)!;
      await denoiser.forwardAll!(steady);
      const before = counts.made;
      for (let step = 0; step < 3; step++) await denoiser.forwardAll!(steady);
      late = counts.made - before;
    }
    answers.push(found);
    await denoiser.dispose();
  }
  const [together, apart] = answers;
  return {
    differences: together!.map((stats, i) => difference(stats, apart![i]!)),
    batches: together!.map(({ batch }) => batch),
    buffersLeft: counts.made - counts.freed,
    buffersMadeLate: late,
  };
}

/** Plain, guided and cached calls; the last one may be repeated. */
function requestsOf({ manifest }: LoadedModel): readonly (readonly ForwardRequest[])[] {
  const canvasOf = (word: number, length: number): Int32Array =>
    range(0, length).map((row) =>
      (row * 7 + word) % 5 < 2 ? manifest.tokens.mask : (row * 37 + word) % 300,
    );
  const of = (word: number, rows: Int32Array, more: Partial<ForwardRequest> = {}): ForwardRequest => ({
    canvases: [canvasOf(word, more.kv === undefined ? 12 : LENGTH)],
    rows,
    attention: manifest.attention,
    guidance: { kind: "none" },
    signals: { topK: 16, entropy: true, current: false, probe: [] },
    suppress: [],
    kv: null,
    promptLen: 8,
    ...more,
  });
  const guided = (rows: Int32Array, kv: KvPlan | null): ForwardRequest =>
    of(1, rows, {
      canvases: [canvasOf(1, LENGTH), canvasOf(2, LENGTH)],
      guidance: { kind: "cfg", scale: 0.5, agreement: true },
      kv,
    });
  const store = range(0, 24);
  const fill: KvPlan = { queryRows: ALL, readRows: NONE, writeRows: store };
  const rest: KvPlan = { queryRows: range(24, 32), readRows: store, writeRows: NONE };
  // Drafts read the store of their canvas.
  const drafts = [6, 7].map((word) => ({ canvas: canvasOf(word, LENGTH), rows: range(24, 29) }));
  const texts = (kv: KvPlan) => [0, 1, 2].map((lane) => of(lane, kv.queryRows, { kv, lane }));
  return [
    [of(3, range(2, 9)), of(4, Int32Array.of(0, 11)), of(5, range(0, 12))],
    [guided(range(8, 20), null)],
    [guided(ALL, fill)],
    [guided(range(24, 32), rest)],
    [of(1, range(26, 32), { kv: rest, drafts })],
    texts(fill),
    texts(rest),
  ];
}
