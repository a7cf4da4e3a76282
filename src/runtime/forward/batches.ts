import type { ForwardRequest } from "../../core/types.ts";

/** One canvas of a request. */
export interface CanvasJob {
  readonly request: ForwardRequest;
  /** Index into its canvases. */
  readonly canvas: number;
}

/** What one run of the graph may hold. */
export interface BatchLimits {
  /** Why every canvas has a run of its own; undefined: several may share one. */
  readonly off?: string;
  /** Rows that a run computes in all, and the sentence to say when they are more. */
  readonly rows: number;
  readonly rowsWhy: string;
  /** Pairs of computed rows and keys: what attention takes memory for. */
  readonly pairs: number;
  /** Rows of logits. */
  readonly logitRows: number;
  /** Rows of cached keys. */
  readonly pastRows: number;
  /** The graph is told the canvas rows of keys and queries once, for all canvases. */
  readonly sameRows: boolean;
}

/** Canvases by run, in their order, and why not all of them are in the first. */
export interface Batches {
  readonly runs: readonly (readonly CanvasJob[])[];
  readonly apart?: string;
}

/** What a forward puts into the graph for one canvas. */
interface Load {
  readonly rows: number;
  readonly pairs: number;
  readonly logitRows: number;
  readonly pastRows: number;
}

/**
 * Puts canvases next to each other that can be computed in one run. Their order stays, so whoever waits for one of them
 * waits no longer than without.
 */
export function planBatches(jobs: readonly CanvasJob[], limits: BatchLimits): Batches {
  const runs: CanvasJob[][] = [];
  let apart: string | undefined;
  for (const job of jobs) {
    const last = runs.at(-1);
    const why = last === undefined ? undefined : obstacle(last, job, limits);
    if (last !== undefined && why === undefined) last.push(job);
    else runs.push([job]);
    apart ??= why;
  }
  return apart === undefined ? { runs } : { runs, apart };
}

/** Why `job` cannot join a run; undefined when it can. */
function obstacle(run: readonly CanvasJob[], job: CanvasJob, limits: BatchLimits): string | undefined {
  if (limits.off !== undefined) return limits.off;
  const first = run[0]!;
  const [one, other] = [loadOf(first.request), loadOf(job.request)];
  if (one.rows !== other.rows || one.pastRows !== other.pastRows)
    return "they compute unlike numbers of rows";
  if (writes(first) !== writes(job) || run.some((there) => sharesStore(there, job))) {
    return "their keys have one store";
  }
  if (limits.sameRows && !isAlike(first.request, job.request)) return "they compute unlike rows";
  const sum = (part: keyof Load) =>
    other[part] + run.reduce((total, there) => total + loadOf(there.request)[part], 0);
  if (sum("rows") > limits.rows) return limits.rowsWhy;
  if (sum("pairs") > limits.pairs) return "together they would take more memory than the largest canvas";
  if (sum("logitRows") > limits.logitRows || sum("pastRows") > limits.pastRows) {
    return "together they are larger than what the device binds at once";
  }
  return undefined;
}

function loadOf({ canvases, kv, rows }: ForwardRequest): Load {
  const queries = kv?.queryRows.length ?? canvases[0]!.length;
  const pastRows = kv?.readRows.length ?? 0;
  return { rows: queries, pairs: queries * (queries + pastRows), logitRows: rows.length, pastRows };
}

function writes({ request }: CanvasJob): boolean {
  return (request.kv?.writeRows.length ?? 0) > 0;
}

/** Which store of keys and values a canvas has; drafts and plain canvases have the first of their run. */
export function storeOf({ request, canvas }: CanvasJob): string {
  return `${request.lane ?? 0}.${request.guidance.kind === "cfg" ? canvas : 0}`;
}

/** Drafts only read what they share, but a store can bring one set of rows at a time to its front. */
function sharesStore(a: CanvasJob, b: CanvasJob): boolean {
  const [one, other] = [a.request.kv, b.request.kv];
  if (one === null || other === null || storeOf(a) !== storeOf(b)) return false;
  return writes(a) || writes(b) || !isEqual(one.readRows, other.readRows);
}

/** Whether attention bias and windows are those of both. */
function isAlike(a: ForwardRequest, b: ForwardRequest): boolean {
  return (
    a.canvases[0]!.length === b.canvases[0]!.length &&
    isEqual(a.kv?.queryRows, b.kv?.queryRows) &&
    isEqual(a.kv?.readRows, b.kv?.readRows) &&
    (a.attention.kind === "full" || a.promptLen === b.promptLen)
  );
}

function isEqual(a: Int32Array | undefined, b: Int32Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a === b || (a.length === b.length && a.every((row, i) => row === b[i]));
}
