import type { Denoiser } from "../core/types.ts";
import type { GeneratePlan } from "./plan.ts";

/** Texts side by side at most: each has stored keys and values of its own. */
const MOST = 8;

/**
 * How many texts of a search are written side by side, so that their forwards can share runs of the model. One after the
 * other where nothing is gained, and where the denoiser keeps something of the last text: distributions to compare with,
 * unconditional logits, what a companion has read.
 *
 * Together they have no more rows than the model's largest canvas, so neither do the keys that are stored of them.
 *
 * @param cells of the canvas
 */
export function lanesOf(
  { search, strategy, recipe }: Pick<GeneratePlan, "search" | "strategy" | "recipe">,
  { maxCanvas, forwardAll, batchRows = 0 }: Denoiser,
  cells: number,
): number {
  if (search?.method !== "best-of" && search?.method !== "zero-order") return 1;
  if (forwardAll === undefined || strategy.selector.tracksKl === true) return 1;
  if (recipe.guidance.residual !== undefined) return 1;
  const branches = recipe.guidance.cfg > 0 ? 2 : 1;
  // Between the forwards that fill it, a cache leaves little more than the block to compute.
  const rows = branches * (strategy.cache === undefined ? cells : Math.min(cells, recipe.block));
  const together = Math.min(Math.floor(batchRows / rows), Math.floor(maxCanvas / (branches * cells)));
  return Math.max(1, Math.min(MOST, search.n, together));
}
