import { checkPlan } from "../../cache/check-plan.ts";
import { UnmaskError } from "../../core/errors.ts";
import type { BatchReport, Blend, Denoiser, ForwardRequest, RowStats } from "../../core/types.ts";
import { draftRequest } from "../../math/drafts.ts";
import { allocateRowStats } from "../../math/row-stats.ts";
import type { Manifest } from "../../model/manifest.ts";
import type { LazySession } from "../graph/lazy-session.ts";
import type { RowReducer } from "../graph/rows.ts";
import type { GraphSession, LogitsOutput } from "../graph/session.ts";
import type { KvBuffers } from "../kv/kv-buffers.ts";
import { type BatchLimits, type CanvasJob, planBatches } from "./batches.ts";
import { createCanvasRuns } from "./canvas-runs.ts";
import { checkRequest } from "./check-request.ts";

export interface DenoiserParts {
  readonly session: GraphSession;
  /** Another one over the same weights, whose graph takes hints; absent: the graph cannot be had. */
  readonly blending?: LazySession;
  readonly rows: RowReducer;
  readonly manifest: Pick<Manifest, "vocab" | "tokens" | "maxCanvas" | "logitsShift">;
  /** Empty buffers for keys and values on the session's device; the denoiser disposes of them. */
  readonly openBuffers: () => KvBuffers;
  /** Which canvases share a run of the graph. */
  readonly batch: BatchLimits;
  /** Rejects when the device is lost. */
  readonly lost?: Promise<never>;
  /** Frees the device. */
  readonly free?: () => void;
  /** Throws when numbers that have come back are not to be trusted. */
  readonly check?: () => void;
  /** The session computes on this thread. */
  readonly blocks?: boolean;
}

/** Of a call: when it began, and the milliseconds of its graphs and of their answers. */
interface Spent {
  readonly began: number;
  run: number;
  read: number;
}

/** A request or one of its drafts on its way: its logits, once they are there, and what they say. */
interface Unit {
  readonly request: ForwardRequest;
  readonly outputs: LogitsOutput[];
  stats?: RowStats;
}

/** A request and its drafts. */
interface Asked {
  readonly main: Unit;
  readonly drafts: readonly Unit[] | undefined;
}

/**
 * The model as a {@link Denoiser}: statistics of the wanted rows only. A forward with a plan computes the plan's rows at
 * their canvas positions, over the keys and values that earlier forwards stored. Drafts and branches of guidance are
 * further canvases, which share runs of the graph as far as the limits allow; a GPU has all runs queued before the first
 * answer is waited for.
 * Families with shifted logits read row r from position r - 1 (row 0 from itself).
 */
export function createDenoiser(parts: DenoiserParts): Denoiser {
  const { session, blending, rows, manifest, openBuffers, batch, lost, free, check, blocks = false } = parts;
  const { vocab, maxCanvas, logitsShift } = manifest;
  const never = lost ?? new Promise<never>(() => {});
  never.catch(() => {});
  const canvases = createCanvasRuns(session, manifest, openBuffers);
  let disposed: Promise<void> | undefined;
  /** Logits of the last plain forward: a repetition only draws from them anew. Guidance writes into its own. */
  let kept: Unit | undefined;
  const drop = () => {
    if (kept !== undefined) freeOutputs(kept);
    kept = undefined;
  };

  const reduce = async ({ outputs, request }: Unit, time: Spent): Promise<RowStats> => {
    // What is asked for nowhere has nothing to tell.
    if (request.rows.length === 0 && outputs.length === 0)
      return allocateRowStats(request.rows, request.signals);
    const ran = performance.now();
    const stats = await rows.reduce(outputs, request);
    check?.();
    time.read += performance.now() - ran;
    return stats;
  };
  /** Runs what is asked for. On this thread every answer is made as soon as it can be: its logits need the room. */
  const runAll = async (
    asked: readonly Asked[],
    on: GraphSession,
    time: Spent,
  ): Promise<BatchReport | undefined> => {
    const units = asked.flatMap(({ main, drafts }) => [...(drafts ?? []), main]);
    const ofRequest = new Map(units.map((unit) => [unit.request, unit]));
    const isMain = (unit: Unit) => asked.some(({ main }) => main === unit);
    const evaluated = units.filter((unit) => unit.request.rows.length > 0 || isMain(unit));
    const jobs = evaluated.flatMap(({ request }) =>
      Array.from(request.canvases.keys(), (canvas): CanvasJob => ({ request, canvas })),
    );
    const { runs, apart } = planBatches(jobs, batch);
    const settle = async (): Promise<void> => {
      for (const unit of units) {
        if (unit.stats !== undefined || (evaluated.includes(unit) && !isWhole(unit))) continue;
        unit.stats = await reduce(unit, time);
        if (!isMain(unit)) freeOutputs(unit);
      }
    };
    for (const run of runs) {
      const began = performance.now();
      const outputs = await canvases.run(run, on);
      time.run += performance.now() - began;
      for (const [i, { request }] of run.entries()) ofRequest.get(request)!.outputs.push(outputs[i]!);
      if (blocks) await settle();
    }
    await settle();
    if (jobs.length < 2) return undefined;
    return { canvases: jobs.length, runs: runs.length, ...(apart === undefined ? {} : { apart }) };
  };
  const blendingSession = (): Promise<GraphSession> => {
    if (blending !== undefined) return blending.get();
    throw new UnmaskError("internal", "This model's graph takes no hints.");
  };
  const prepare = (request: ForwardRequest): Asked => {
    const { drafts, ...main } = request;
    checkRequest(request, { vocab, maxCanvas, maxRows: rows.maxRows, masked: session.biasRepeat > 0 });
    const { lane = 0, kv } = request;
    if (kv?.readRows.length === 0) canvases.clear(lane);
    checkPlan(request, logitsShift, (row) => canvases.has(lane, row));
    const unit = (of: ForwardRequest): Unit => ({ request: of, outputs: [] });
    return { main: unit(main), drafts: drafts?.map((draft) => unit(draftRequest(request, draft))) };
  };
  /** What is neither the graph nor its answer: inputs and cached rows. */
  const timeOf = ({ began, run, read: readback }: Spent) => {
    const upload = performance.now() - began - run - readback;
    return { upload, run, readback };
  };
  const forwardAll = async (requests: readonly ForwardRequest[]): Promise<readonly RowStats[]> => {
    if (disposed !== undefined) throw new UnmaskError("disposed", "The model was closed.");
    const time: Spent = { began: performance.now(), run: 0, read: 0 };
    rows.begin();
    const [only] = requests;
    if (requests.length === 1 && only?.repeats === true && kept !== undefined && isSame(kept.request, only)) {
      const stats = await reduce({ request: only, outputs: kept.outputs }, time);
      return [{ ...stats, time: timeOf(time) }];
    }
    drop();
    if (requests.every(({ lane }) => lane === undefined)) canvases.freeLanes();
    const asked = requests.map(prepare);
    const on = requests.some(({ blend }) => blend !== undefined) ? await blendingSession() : session;
    try {
      const report = await runAll(asked, on, time);
      return asked.map(({ main, drafts }, i) => ({
        ...main.stats!, // all are settled
        ...(drafts === undefined ? {} : { drafts: drafts.map(({ stats }) => stats!) }),
        ...(i === 0 ? { time: timeOf(time), ...(report === undefined ? {} : { batch: report }) } : {}),
      }));
    } finally {
      for (const { drafts = [] } of asked) drafts.forEach(freeOutputs);
      for (const { main } of asked) {
        const { kv, guidance } = main.request;
        const isPlain = requests.length === 1 && kv === null && guidance.kind === "none";
        if (isPlain && isWhole(main)) kept = main;
        else freeOutputs(main);
      }
    }
  };
  return {
    vocab,
    maskId: manifest.tokens.mask,
    maxCanvas,
    blocks,
    batchRows: batch.off === undefined ? batch.rows : 0,
    forward: async (request) => (await Promise.race([forwardAll([request]), never]))[0]!,
    forwardAll: (requests) => Promise.race([forwardAll(requests), never]),
    dispose: () => {
      disposed ??= (async () => {
        drop();
        canvases.dispose();
        rows.dispose();
        await Promise.all([blending?.release(), session.release()]);
        free?.();
      })();
      return disposed;
    },
  };
}

function isWhole({ request, outputs }: Unit): boolean {
  return outputs.length === request.canvases.length;
}

function freeOutputs({ outputs }: Unit): void {
  for (const output of outputs.splice(0)) output.dispose();
}

/** Whether two forwards compute the same logits. */
function isSame(a: ForwardRequest, b: ForwardRequest): boolean {
  const isEqual = (x: Int32Array, y: Int32Array) =>
    x.length === y.length && x.every((value, i) => value === y[i]);
  const isOneBlend = (x: Blend | undefined, y: Blend | undefined) =>
    x === y || (x !== undefined && y !== undefined && x.share === y.share && isEqual(x.ids, y.ids));
  return (
    a.canvases.length === 1 &&
    isEqual(a.canvases[0]!, b.canvases[0]!) &&
    isEqual(a.rows, b.rows) &&
    isOneBlend(a.blend, b.blend)
  );
}
