import type { CachePolicy, CacheView } from "./policy.ts";
import { areStored, fullForward, neededRows } from "./policy.ts";
import { complement, range, union } from "./rows.ts";

/**
 * Policies that freeze everything outside a set of active rows from one refresh to the next. The first forward of a
 * block is a refresh, and it also commits. For models with full attention all of them are approximations: frozen K/V do
 * not see what was committed since, and a row committed by the refresh stays a mask in them until the next.
 */
export interface FrozenOptions {
  /** Forwards of a block from one refresh to the next; 0: only when a block opens, 1: always, which is no cache. */
  readonly refresh: number;
  /** Forwards at the start of a run that are all refreshes. */
  readonly warmup: number;
}

/**
 * Fast-dLLM's prefix cache (arXiv 2505.22618): computes from the start of the block to the end of the canvas, reuses
 * what is left of it.
 */
export function prefixCache(refresh: number): CachePolicy {
  return frozen({ refresh, warmup: 0 }, ({ blockRows, ids }) => range(blockRows[0] ?? 0, ids.length));
}

/** Fast-dLLM's dual cache: computes the block alone, reuses both sides. */
export function dualCache(refresh: number): CachePolicy {
  return frozen({ refresh, warmup: 0 }, ({ blockRows }) => blockRows);
}

/** dInfer's vicinity refresh: the block and `before` and `after` rows around it are computed. */
export function vicinityCache(
  options: FrozenOptions & { readonly before: number; readonly after: number },
): CachePolicy {
  return frozen(options, ({ blockRows, ids }) => {
    const first = blockRows[0] ?? 0;
    const last = blockRows.at(-1) ?? 0;
    return range(Math.max(0, first - options.before), Math.min(ids.length, last + 1 + options.after));
  });
}

function frozen({ refresh, warmup }: FrozenOptions, active: (view: CacheView) => Int32Array): CachePolicy {
  return (view) => {
    const { memory, ids, eligible, stepInBlock } = view;
    const queryRows = union(active(view), neededRows(view, eligible));
    const readRows = complement(ids.length, queryRows);
    const isDue =
      stepInBlock === 0 ||
      memory.forwards < warmup ||
      (refresh > 0 && memory.sinceFull + 1 >= refresh) ||
      !areStored(memory, readRows);
    // All rows are stored: which ones the block leaves out may still change.
    if (isDue) return fullForward(ids.length, range(0, ids.length));
    // A plan that reads nothing would empty the stores, also that of a branch of guidance which this forward skips.
    if (readRows.length === 0) return null;
    return { queryRows, readRows, writeRows: new Int32Array(0) };
  };
}

/**
 * SlowFast's suffix drop: after the first forward of a block, cells more than `ahead` rows behind it leave the input
 * altogether; what stands left of it is computed every time. Cells that are given are never dropped.
 */
export function suffixDrop(ahead: number): CachePolicy {
  return ({ ids, targets, blockRows, eligible, watched, stepInBlock }) => {
    if (stepInBlock === 0) return null;
    const isTarget = new Set(targets);
    const last = Math.max(...[blockRows, eligible, watched].map((rows) => rows.at(-1) ?? 0));
    let end = ids.length;
    while (end > 0 && isTarget.has(end - 1)) end--;
    end = Math.min(ids.length, Math.max(end, last + 1 + ahead));
    return { queryRows: range(0, end), readRows: new Int32Array(0), writeRows: new Int32Array(0) };
  };
}
