import { checkPlan } from "../cache/check-plan.ts";
import { UnmaskError } from "../core/errors.ts";
import type { Denoiser, ForwardRequest, RowStats } from "../core/types.ts";
import type { Manifest } from "../model/manifest.ts";
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
  /** The session computes on this thread. */
  readonly blocks?: boolean;
}

const NO_ROWS = new Int32Array(0);

/** Of a forward: when it began, and the milliseconds of its graph runs. */
interface Spent {
  readonly began: number;
  run: number;
}

/**
 * The model as a {@link Denoiser}: one forward a canvas, statistics of the wanted rows only. A forward with a plan
 * computes the plan's rows at their canvas positions, over the keys and values that earlier forwards stored.
 * Families with shifted logits read row r from position r - 1 (row 0 from itself).
 */
export function createDenoiser(parts: DenoiserParts): Denoiser {
  const { session, rows, manifest, openStore, lost, free, blocks = false } = parts;
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
  /** Everything of a forward that is neither the graph nor its statistics counts as upload. */
  const reduce = async (
    outputs: readonly GraphOutput[],
    request: ForwardRequest,
    { began, run }: Spent,
  ): Promise<RowStats> => {
    const ran = performance.now();
    const stats = await rows.reduce(outputs, request);
    const time = { upload: ran - began - run, run, readback: performance.now() - ran };
    return { ...stats, time };
  };
  const forward: Denoiser["forward"] = async (request) => {
    if (disposed !== undefined) throw new UnmaskError("disposed", "The model was closed.");
    const time: Spent = { began: performance.now(), run: 0 };
    check(request, maxCanvas, session.biasRepeat > 0);
    if (request.repeats === true && kept !== undefined && isSame(kept.request, request)) {
      return await reduce(kept.outputs, request, time);
    }
    drop();
    if (request.kv?.readRows.length === 0) for (const store of stores) store.clear();
    checkPlan(request, logitsShift, (row) => stores[0]?.has(row) === true);
    const outputs: GraphOutput[] = [];
    try {
      for (const canvas of request.canvases.keys()) outputs.push(await runCanvas(request, canvas, time));
      return await reduce(outputs, request, time);
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

function check(
  { canvases, rows, guidance, attention }: ForwardRequest,
  maxCanvas: number,
  masked: boolean,
): void {
  const length = canvases[0]?.length ?? 0;
  if ((attention.kind === "block-causal") !== masked) {
    throw new UnmaskError("internal", `This graph does not compute ${attention.kind} attention.`);
  }
  const pairs = guidance.kind === "cfg" ? canvases.length === 2 : canvases.length === 1;
  if (!pairs || canvases.some((canvas) => canvas.length !== length)) {
    throw new UnmaskError(
      "internal",
      `A forward got ${canvases.length} canvases where ${guidance.kind === "cfg" ? 2 : 1} of one length belong.`,
    );
  }
  const fits = rows.every((row, i) => row >= 0 && row < length && (i === 0 || row > rows[i - 1]!));
  if (length === 0 || length > maxCanvas || !fits) {
    throw new UnmaskError("internal", `A forward over ${length} rows does not fit a canvas of ${maxCanvas}.`);
  }
}
