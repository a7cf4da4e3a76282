import type { Attention } from "../core/types.ts";

export type BlockCausal = Extract<Attention, { kind: "block-causal" }>;

/** The block that a row belongs to. `prompt-end`: a border lies at the end of the prompt, so the first block may be short. */
export function blockOf(row: number, { block, align }: BlockCausal, promptLen: number): number {
  return Math.floor((row + padding(block, align, promptLen)) / block);
}

/** The half-open range of rows of the block that `row` belongs to; `end` may lie outside the canvas. */
export function blockAround(
  row: number,
  grid: BlockCausal,
  promptLen: number,
): { readonly start: number; readonly end: number } {
  const start = blockOf(row, grid, promptLen) * grid.block - padding(grid.block, grid.align, promptLen);
  return { start: Math.max(0, start), end: start + grid.block };
}

/**
 * Additive attention bias of a forward: 0 where a query may attend to a key, `closed` elsewhere. A query attends to the
 * keys of its own block and of earlier ones.
 *
 * @param keys canvas rows of the keys in the order of the graph: stored ones, then the queries
 * @param rep query heads a key head: each query stands `rep` times
 * @param bias receives `[queries * rep, keys]`
 */
export function blockBias(
  grid: BlockCausal,
  promptLen: number,
  queries: ArrayLike<number>,
  keys: ArrayLike<number>,
  rep: number,
  closed: number,
  bias: { [index: number]: number },
): void {
  const keyBlocks = Int32Array.from(keys, (row) => blockOf(row, grid, promptLen));
  let at = 0;
  for (let q = 0; q < queries.length; q++) {
    const own = blockOf(queries[q]!, grid, promptLen);
    for (let r = 0; r < rep; r++) {
      for (const block of keyBlocks) bias[at++] = block <= own ? 0 : closed;
    }
  }
}

function padding(block: number, align: BlockCausal["align"], promptLen: number): number {
  return align === "absolute" ? 0 : (block - (promptLen % block)) % block;
}
