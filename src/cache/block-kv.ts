import { blockAround } from "./block-grid.ts";
import type { CachePolicy } from "./policy.ts";
import { predictingRows, range } from "./rows.ts";

/**
 * The exact cache of block-causal models: blocks without masks are stored, everything from there to the end of the open
 * block is computed, and what lies behind it does not exist yet. Later blocks cannot change earlier ones, so the result
 * is that of the whole canvas. A block that became clean is stored by the first forward of the next one, where it costs
 * rows but no forward of its own. A revised row invalidates its block and every later one.
 */
export const blockKv: CachePolicy = ({ memory, ids, maskId, attention, promptLen, shift, eligible }) => {
  if (attention.kind !== "block-causal" || eligible.length === 0) return null;
  const around = (row: number) => blockAround(row, attention, promptLen);
  const open = around(eligible[0]!).start;
  let clean = 0;
  while (clean < open && ids[clean] !== maskId) clean++;
  clean = around(clean).start;
  let stored = 0;
  while (stored < clean && memory.written[stored] === ids[stored]) stored++;
  // Rows of a block see each other: one that is stored in part is computed again as a whole.
  const unstored = stored === clean ? clean : around(stored).start;
  const begin = Math.min(unstored, predictingRows(eligible, shift)[0]!);
  const end = Math.min(around(eligible.at(-1)!).end, ids.length);
  return { queryRows: range(begin, end), readRows: range(0, begin), writeRows: range(unstored, clean) };
};
