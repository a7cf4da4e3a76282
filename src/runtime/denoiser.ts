import { checkPlan } from "../cache/check-plan.ts";
import { UnmaskError } from "../core/errors.ts";
import type { Denoiser, ForwardRequest, RowStats } from "../core/types.ts";
import { draftRequest } from "../math/drafts.ts";
import { allocateRowStats } from "../math/row-stats.ts";
import type { Manifest } from "../model/manifest.ts";
import { checkRequest } from "./check-request.ts";
import { createGraphInputs } from "./graph-inputs.ts";
import type { KvStore } from "./kv-store.ts";
import type { RowReducer } from "./rows.ts";
import type { GraphOutput, GraphRun, GraphSession } from "./session.ts";

export interface DenoiserParts {
  readonly session: GraphSession;
  readonly rows: RowReducer;
  readonly manifest: Pick<Manifest, "vocab" | "tokens" | "maxCanvas" | "logitsShift">;
  /** An empty store of keys and values on the session's device; the denoiser disposes of it. */
  readonly openStore: () => KvStore;
  /** Rejects when the device is lost. */
  readonly lost?: Promise<never>;
  /** Frees the device. */
  readonly free?: () => void;
  /** Throws when numbers that have come back are not to be trusted. */
  readonly check?: () => void;
  /** The session computes on this thread. */
  readonly blocks?: boolean;
}

const NO_ROWS = new Int32Array(0);

/** Of a forward: when it began, and the milliseconds of its graphs and of their answers. */
interface Spent {
  readonly began: number;
  run: number;
  read: number;
}

/**
 * The model as a {@link Denoiser}: one forward a canvas, statistics of the wanted rows only. A forward with a plan
 * computes the plan's rows at their canvas positions, over the keys and values that earlier forwards stored. Drafts and
 * branches of guidance are further forwards; a GPU has them all queued before the first answer is waited for.
 * Families with shifted logits read row r from position r - 1 (row 0 from itself).
 */
export function createDenoiser(parts: DenoiserParts): Denoiser {
  const { session, rows, manifest, openStore, lost, free, check: checkDevice, blocks = false } = parts;
  const { vocab, maxCanvas, logitsShift } = manifest;
  const never = lost ?? new Promise<never>(() => {});
  never.catch(() => {});
  const inputs = createGraphInputs(logitsShift, session.biasRepeat, manifest.tokens.mask);
  const stores: KvStore[] = [];
  let disposed: Promise<void> | undefined;
  /** Logits of the last plain forward: a repetition only draws from them anew. Guidance writes into its own. */
  let kept: { readonly request: ForwardRequest; readonly outputs: readonly GraphOutput[] } | undefined;
  const drop = () => {
    for (const output of kept?.outputs ?? []) output.dispose();
    kept = undefined;
  };

  /** The store of a canvas: a guided pair has one each, drafts share the first, which they only read. */
  const storeOf = (request: ForwardRequest, canvas: number): KvStore => {
    const at = request.guidance.kind === "cfg" ? canvas : 0;
    let store = stores[at];
    if (store === undefined) {
      store = openStore();
      stores[at] = store;
    }
    return store;
  };
  const timed = async (run: GraphRun, time: Spent): Promise<GraphOutput> => {
    const began = performance.now();
    const output = await session.run(run);
    time.run += performance.now() - began;
    return output;
  };
  const runCanvas = async (request: ForwardRequest, canvas: number, time: Spent): Promise<GraphOutput> => {
    const { kv } = request;
    if (kv === null) return timed(inputs(request, canvas, NO_ROWS), time);
    const store = storeOf(request, canvas);
    const past = kv.readRows.length === 0 ? undefined : store.past(kv.readRows);
    const keep = kv.writeRows.length > 0;
    const run = inputs(request, canvas, past?.order ?? NO_ROWS);
    const output = await timed({ ...run, keep, ...(past === undefined ? {} : { past: past.feeds }) }, time);
    if (keep) store.store(kv.queryRows, kv.writeRows, output.fresh);
    return output;
  };
  /** @param outputs filled as the canvases run, so that those of a forward that fails half way are known */
  const runAll = async (request: ForwardRequest, outputs: GraphOutput[], time: Spent): Promise<void> => {
    for (const canvas of request.canvases.keys()) outputs.push(await runCanvas(request, canvas, time));
  };
  const reduce = async (
    outputs: readonly GraphOutput[],
    request: ForwardRequest,
    time: Spent,
  ): Promise<RowStats> => {
    const ran = performance.now();
    const stats = await rows.reduce(outputs, request);
    checkDevice?.();
    time.read += performance.now() - ran;
    return stats;
  };
  /** Runs `request` after its drafts. Those on this thread are reduced one by one: their logits need the room. */
  const runWithDrafts = async (
    request: ForwardRequest,
    outputs: GraphOutput[],
    time: Spent,
  ): Promise<RowStats> => {
    const { drafts: wanted, ...main } = request;
    if (wanted === undefined) {
      await runAll(request, outputs, time);
      return reduce(outputs, request, time);
    }
    const open: { readonly request: ForwardRequest; readonly outputs: GraphOutput[] }[] = [];
    const drafts: RowStats[] = [];
    const settle = async (): Promise<void> => {
      for (let next = open[0]; next !== undefined; next = open[0]) {
        const { rows: asked, signals } = next.request;
        // A draft without masks has nothing to tell.
        const isEmpty = asked.length === 0;
        drafts.push(
          isEmpty ? allocateRowStats(asked, signals) : await reduce(next.outputs, next.request, time),
        );
        for (const output of open.shift()!.outputs) output.dispose();
      }
    };
    try {
      for (const draft of wanted) {
        const asked = draftRequest(request, draft);
        open.push({ request: asked, outputs: [] });
        if (draft.rows.length > 0) await runAll(asked, open.at(-1)!.outputs, time);
        if (blocks) await settle();
      }
      await runAll(main, outputs, time);
      await settle();
      return { ...(await reduce(outputs, main, time)), drafts };
    } finally {
      for (const draft of open) for (const output of draft.outputs) output.dispose();
    }
  };
  /** What is neither the graph nor its answer: inputs and cached rows. */
  const withTime = (stats: RowStats, { began, run, read: readback }: Spent): RowStats => {
    const upload = performance.now() - began - run - readback;
    return { ...stats, time: { upload, run, readback } };
  };
  const forward: Denoiser["forward"] = async (request) => {
    if (disposed !== undefined) throw new UnmaskError("disposed", "The model was closed.");
    const time: Spent = { began: performance.now(), run: 0, read: 0 };
    checkRequest(request, { vocab, maxCanvas, maxRows: rows.maxRows, masked: session.biasRepeat > 0 });
    if (request.repeats === true && kept !== undefined && isSame(kept.request, request)) {
      return withTime(await reduce(kept.outputs, request, time), time);
    }
    drop();
    if (request.kv?.readRows.length === 0) for (const store of stores) store.clear();
    checkPlan(request, logitsShift, (row) => stores[0]?.has(row) === true);
    const outputs: GraphOutput[] = [];
    try {
      return withTime(await runWithDrafts(request, outputs, time), time);
    } finally {
      kept = { request, outputs };
      if (request.kv !== null || request.guidance.kind !== "none") drop();
    }
  };
  return {
    vocab,
    maskId: manifest.tokens.mask,
    maxCanvas,
    blocks,
    forward: (request) => Promise.race([forward(request), never]),
    dispose: () => {
      disposed ??= (async () => {
        drop();
        for (const store of stores) store.dispose();
        rows.dispose();
        await session.release();
        free?.();
      })();
      return disposed;
    },
  };
}

/** Whether two forwards compute the same logits. */
function isSame(a: ForwardRequest, b: ForwardRequest): boolean {
  const isEqual = (x: Int32Array, y: Int32Array) =>
    x.length === y.length && x.every((value, i) => value === y[i]);
  return a.canvases.length === 1 && isEqual(a.canvases[0]!, b.canvases[0]!) && isEqual(a.rows, b.rows);
}
