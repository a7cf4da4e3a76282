import { type CachePolicy, neededRows } from "./policy.ts";
import { range } from "./rows.ts";

/**
 * FreeCache (FlashDLM, arXiv 2505.21467): the K/V of clean tokens hardly change, so those of the prompt are computed once,
 * and those of a block once more after it is finished; nothing that is stored is computed again, unless its token changes
 * or moves. Where the prefix cache computes everything anew when a block opens, this one computes one block more.
 */
export const freeCache: CachePolicy = (view) => {
  const { memory, ids, maskId, blockRows, eligible } = view;
  const needed = neededRows(view, eligible);
  const begin = Math.min(blockRows[0] ?? ids.length, needed[0] ?? ids.length);
  const isClean = (row: number): boolean => row < begin && ids[row] !== maskId;
  const isStored = (row: number): boolean => isClean(row) && memory.written[row] === ids[row];
  const all = range(0, ids.length);
  const queryRows = all.filter((row) => !isStored(row));
  return { queryRows, readRows: all.filter(isStored), writeRows: queryRows.filter(isClean) };
};
