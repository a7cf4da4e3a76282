import type { Denoiser } from "../../core/types.ts";
import type { GeneratePlan } from "../plan/plan.ts";

/** Texts side by side at most: each has stored keys and values of its own. */
const MOST = 8;

/** How many texts of a search are written side by side, so that their forwards share runs of the model. */
export interface Lanes {
  readonly lanes: number;
  /** Why fewer than the search writes. */
  readonly apart?: string;
}

/**
 * Texts are written one after the other where nothing is gained, and where the denoiser keeps something of the last text:
 * distributions to compare with, unconditional logits, what a companion has read.
 *
 * Together they have no more rows than the model's largest canvas, so neither do the keys that are stored of them.
 *
 * @param cells of the canvas
 */
export function lanesOf(
  { search, strategy, recipe }: Pick<GeneratePlan, "search" | "strategy" | "recipe">,
  { maxCanvas, forwardAll, batchRows = 0 }: Denoiser,
  cells: number,
): Lanes {
  if ((search?.method !== "best-of" && search?.method !== "zero-order") || search.n < 2) return { lanes: 1 };
  const apart = (why: string): Lanes => ({ lanes: 1, apart: why });
  if (forwardAll === undefined || batchRows === 0) return apart("one text at a time is computed here");
  if (strategy.selector.tracksKl === true) return apart("each step is compared with the one before it");
  if (recipe.guidance.residual !== undefined) return apart("the logits of one text guide the next steps");
  const branches = recipe.guidance.cfg === 0 ? 1 : 2;
  // Between the forwards that fill it, a cache leaves little more than the block to compute.
  const rows = branches * (strategy.cache === undefined ? cells : Math.min(cells, recipe.block));
  const together = Math.min(Math.floor(batchRows / rows), Math.floor(maxCanvas / (branches * cells)));
  const lanes = Math.max(1, Math.min(MOST, search.n, together));
  if (lanes === search.n) return { lanes };
  return { lanes, apart: lanes === MOST ? `${MOST} texts at a time` : "more rows than a run takes" };
}
