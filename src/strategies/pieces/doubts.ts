import type { RowStats } from "../../core/types.ts";
import { type Canvas, FILLED } from "../canvas.ts";
import { type Looks, noteLooks } from "./looks.ts";

/** How much the best token of a cell changed before it was settled. */
export interface Doubt {
  readonly row: number;
  /** Changes of the best token from look to look, as a share of those possible. */
  readonly flip: number;
  /** Share of the looks at which the best token was not the one that stands there now. */
  readonly osc: number;
}

/** A cell that was looked at less often has no history to speak of. */
const LEAST = 4;
/**
 * From this `osc` on a token is not to be trusted: of the last seven or eight looks only the very last preferred it. Chosen
 * by meaning, not fitted; the paper removes the few percent that vary most.
 */
export const DOUBTFUL = 0.85;

/** Counts how often the best token of each cell changed; see {@link watchDoubts}. */
export interface DoubtWatch {
  /** Takes note of a forward's best tokens; `slots` are those of the canvas that it was about. */
  observe(slots: Int32Array, stats: RowStats): void;
  /** Cells with enough looks, ascending; cells that are still masked, or given, are left out. */
  judge(canvas: Canvas): readonly Doubt[];
}

/**
 * Trajectory-variance test for hallucination (mode interpolation, arXiv 2406.09358), for text: an image is doubtful when
 * the predicted clean sample varies late in the denoising; a token, when the best guess for its cell does. The last eight
 * evaluations of each cell count, whenever the decoder looked at it. (The variance of the final token's probability
 * would need its logit before it was chosen, which a forward does not report.)
 */
export function watchDoubts(): DoubtWatch {
  const looks: Looks = new Map();
  return {
    observe: (slots, stats) => noteLooks(looks, slots, stats),
    judge({ ids, kinds, slots }) {
      const doubts: Doubt[] = [];
      for (const [row, kind] of kinds.entries()) {
        const seen = looks.get(slots[row]!) ?? [];
        if (kind !== FILLED || seen.length < LEAST) continue;
        const changes = seen.filter((id, i) => i > 0 && id !== seen[i - 1]).length;
        const others = seen.filter((id) => id !== ids[row]).length;
        doubts.push({ row, flip: changes / (seen.length - 1), osc: others / seen.length });
      }
      return doubts;
    },
  };
}
