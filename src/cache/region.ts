import { areStored, type CachePolicy, type CacheView, fullForward } from "./policy.ts";
import { complement, predictingRows, range, union } from "./rows.ts";

export interface RegionOptions {
  /** Share of the canvas computed in a forward that is not dense. */
  readonly share: number;
  /** Forwards at the start of a block that compute everything, at least 1. */
  readonly dense: number;
  /** Forwards from one dense one to the next. */
  readonly every: number;
  /** How fast a row that is passed over gains weight. */
  readonly starvation: number;
}

/** Weight of a cell that is settled, so that it is computed at times: given cells have no confidence. */
const SETTLED = 0.05;
/** Likely next commits that are always computed. */
const CANDIDATES = 2;

/**
 * Region-adaptive sampling (RAS, arXiv 2502.10389) carried over from images to text: a share of the rows is computed,
 * those the model was least sure of, weighted up the longer they were passed over. Rows whose token changed since they
 * were stored and the most likely next commits are always among them. Rows that are not computed cannot be chosen.
 */
export function regionCache({ share, dense, every, starvation }: RegionOptions): CachePolicy {
  return (view) => {
    const { memory, ids, shift, eligible, stepInBlock } = view;
    const all = range(0, ids.length);
    const due = predictingRows(likeliest(view), shift);
    const changed = all.filter((row) => memory.written[row]! >= 0 && memory.written[row] !== ids[row]);
    const focus = focusOf(view, starvation);
    const queue = all.slice().sort((a, b) => focus[b]! - focus[a]! || a - b);
    const chosen = union(due, changed, queue.subarray(0, Math.ceil(share * ids.length)));
    const readRows = complement(ids.length, chosen);
    const isDense = stepInBlock < dense || memory.sinceFull + 1 >= every || !areStored(memory, readRows);
    if (isDense || eligible.length === 0) return fullForward(ids.length, all);
    return { queryRows: chosen, readRows, writeRows: chosen };
  };
}

function focusOf({ memory, eligible }: CacheView, starvation: number): Float64Array {
  const isOpen = new Set(eligible);
  return Float64Array.from(memory.age, (age, row) => {
    const confidence = memory.confidence[row]!;
    const doubt = isOpen.has(row) ? 1 - (Number.isNaN(confidence) ? 0 : confidence) : SETTLED;
    return Math.max(SETTLED, doubt) * (1 + starvation * age);
  });
}

/** The eligible rows the model was surest of. */
function likeliest({ memory, eligible }: CacheView): Int32Array {
  const sureness = (row: number) => memory.confidence[row]! || 0;
  return eligible
    .slice()
    .sort((a, b) => sureness(b) - sureness(a) || a - b)
    .subarray(0, CANDIDATES);
}
