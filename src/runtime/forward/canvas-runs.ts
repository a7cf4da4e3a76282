import type { Manifest } from "../../model/manifest.ts";
import { createGraphInputs } from "../graph/graph-inputs.ts";
import type { GraphOutput, GraphRun, GraphSession, LogitsOutput } from "../graph/session.ts";
import { createJointPast, type JointPast } from "../kv/joint-past.ts";
import type { KvBuffers } from "../kv/kv-buffers.ts";
import { createKvStore, type KvPast, type KvStore } from "../kv/kv-store.ts";
import { type CanvasJob, storeOf } from "./batches.ts";

/** Canvases on their way through the graph, with the keys and values that are kept of them. */
export interface CanvasRuns {
  /**
   * Computes canvases that batches.ts put together in one run of the graph.
   *
   * @param on the session of another graph with the same weights and caches; absent: the one that this was made for
   * @returns the logits of each; what they take is freed when all of them are disposed of
   */
  run(jobs: readonly CanvasJob[], on?: GraphSession): Promise<readonly LogitsOutput[]>;
  /** Whether a row's keys and values are stored for the first canvas of a lane. */
  has(lane: number, row: number): boolean;
  /** Forgets what is stored of a lane. */
  clear(lane: number): void;
  /** Frees the stores of all lanes but the first. */
  freeLanes(): void;
  dispose(): void;
}

const NO_ROWS = new Int32Array(0);

/** @param openBuffers empty buffers on the session's device */
export function createCanvasRuns(
  session: GraphSession,
  { logitsShift, tokens }: Pick<Manifest, "logitsShift" | "tokens">,
  openBuffers: () => KvBuffers,
): CanvasRuns {
  const inputs = createGraphInputs(logitsShift, session.biasRepeat, tokens.mask);
  const stores = new Map<string, KvStore>();
  let joint: JointPast | undefined;
  let ids = NO_ROWS;
  let positions = NO_ROWS;
  let indices = NO_ROWS;

  const open = (job: CanvasJob): KvStore => {
    const name = storeOf(job);
    const store = stores.get(name) ?? createKvStore(openBuffers());
    stores.set(name, store);
    return store;
  };
  const pastOf = (job: CanvasJob): KvPast | undefined => {
    const { kv } = job.request;
    return kv === null || kv.readRows.length === 0 ? undefined : open(job).past(kv.readRows);
  };
  /** Inputs of several canvases one after the other; the arrays are used again while their lengths stay. */
  const joinInputs = (jobs: readonly CanvasJob[], pasts: readonly (KvPast | undefined)[]): GraphRun => {
    const wanted = jobs.reduce((sum, { request }) => sum + request.rows.length, 0);
    if (indices.length !== wanted) indices = new Int32Array(wanted);
    let at = 0;
    let last: GraphRun | undefined;
    const isBlended = jobs.some(({ request }) => request.blend !== undefined);
    const hints = isBlended ? { ids: [] as number[], shares: [] as number[] } : undefined;
    for (const [b, { request, canvas }] of jobs.entries()) {
      const run = inputs(request, canvas, pasts[b]?.order ?? NO_ROWS);
      const size = run.ids.length;
      if (ids.length !== jobs.length * size) {
        ids = new Int32Array(jobs.length * size);
        positions = new Int32Array(jobs.length * size);
      }
      ids.set(run.ids, b * size);
      positions.set(run.positions!, b * size); // these inputs always say where they stand
      hints?.ids.push(...(run.hints?.ids ?? run.ids));
      hints?.shares.push(run.hints?.shares[0] ?? 0);
      for (const index of run.indices) indices[at++] = b * size + index;
      last = run;
    }
    return { ...last!, batch: jobs.length, ids, positions, indices, ...(hints && { hints }) };
  };
  const pastFeeds = (pasts: readonly (KvPast | undefined)[]): Pick<GraphRun, "past"> => {
    const known = pasts.filter((past) => past !== undefined);
    if (known.length === 0) return {};
    if (known.length === 1) return { past: known[0]!.feeds };
    joint ??= createJointPast(openBuffers(), session.kv.names);
    return { past: joint.join(known) };
  };
  const closeStores = (isMeant: (name: string) => boolean): void => {
    for (const [name, store] of [...stores]) {
      if (!isMeant(name)) continue;
      store.dispose();
      stores.delete(name);
    }
  };
  return {
    async run(jobs, on = session) {
      const pasts = jobs.map(pastOf);
      const [only] = jobs;
      const inputsOf =
        jobs.length === 1
          ? inputs(only!.request, only!.canvas, pasts[0]?.order ?? NO_ROWS)
          : joinInputs(jobs, pasts);
      const keep = (only!.request.kv?.writeRows.length ?? 0) > 0;
      const output = await on.run({ ...inputsOf, keep, ...pastFeeds(pasts) });
      try {
        for (const [b, job] of jobs.entries()) {
          const { kv } = job.request;
          if (kv !== null && keep) {
            open(job).store(kv.queryRows, kv.writeRows, output.fresh, b * kv.queryRows.length);
          }
        }
      } catch (error) {
        output.dispose();
        throw error;
      }
      return splitLogits(
        output,
        jobs.map(({ request }) => request.rows.length),
      );
    },
    has: (lane, row) => stores.get(`${lane}.0`)?.has(row) === true,
    clear(lane) {
      for (const [name, store] of stores) if (name.startsWith(`${lane}.`)) store.clear();
    },
    freeLanes: () => closeStores((name) => !name.startsWith("0.")),
    dispose() {
      closeStores(() => true);
      joint?.dispose();
    },
  };
}

/** The logits of each canvas of a run; those of the run are freed with the last of them. */
function splitLogits(output: GraphOutput, counts: readonly number[]): readonly LogitsOutput[] {
  if (counts.length === 1) return [output];
  const vocab = (all: Float32Array) => all.length / output.rows;
  let first = 0;
  let held = counts.length;
  let numbers: Promise<Float32Array> | undefined;
  return counts.map((rows) => {
    const from = first;
    first += rows;
    let isHeld = true;
    return {
      rows,
      buffer: output.buffer,
      first: from,
      read: async () => {
        numbers ??= output.read();
        const all = await numbers;
        return all.subarray(from * vocab(all), (from + rows) * vocab(all));
      },
      dispose: () => {
        if (isHeld) held--;
        if (isHeld && held === 0) output.dispose();
        isHeld = false;
      },
    };
  });
}
