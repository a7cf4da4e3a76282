import { MASKED } from "../canvas.ts";
import { blockConfidences } from "../decoders/learn2pd.ts";
import { bestProbability, positionOf } from "../rows.ts";
import type { Pick, Sampler, Selector, Step } from "../strategy.ts";

/** What the filter sees in one step of a block, and what it should have said. */
export interface FilterExample {
  /** The text that the step is from: examples of one text are alike. */
  readonly run: number;
  /** Best probability of each cell of the block, committed ones included, `[cells]`. */
  readonly confidences: readonly number[];
  /** Whether the best token of each cell is already the final one, `[cells]`. */
  readonly isFinal: readonly boolean[];
  /** Whether each cell was still to be committed, `[cells]`. */
  readonly isMasked: readonly boolean[];
}

/**
 * "Extremely greedy parallel" decoding (Learn2PD, arXiv 2509.25188): with the text known that the slow decoder wrote, each
 * step commits exactly the cells of the block whose best token is the final one. When there are none nothing would ever
 * change, so the rest of the block is written from the text. Every step is told to `record`.
 *
 * @param final ids of the finished text by row, `[N]`
 */
export function greedyOracle(
  final: Int32Array,
  record: (example: Omit<FilterExample, "run">) => void,
): { readonly sampler: Sampler; readonly selector: Selector } {
  return {
    sampler: {
      noise: () => undefined,
      draw: (stats, rows, at) => ({
        rows,
        ids: Int32Array.from(rows, (row) => final[row]!),
        probabilities: Float64Array.from(at, (r) => bestProbability(stats, r)),
        at,
      }),
    },
    selector: {
      scope: "open",
      watch: ({ targets, block }) => targets.subarray(block.start, block.end),
      select: (step) => {
        record(exampleOf(step, final));
        const { stats, candidates } = step;
        const all = Array.from(candidates.rows.keys());
        const right = all.filter((i) => stats.topIds[candidates.at[i]! * stats.k] === candidates.ids[i]);
        const reason = right.length > 0 ? "filter" : "forced";
        return (right.length > 0 ? right : all).map((index): Pick => ({ index, reason }));
      },
    },
  };
}

function exampleOf(step: Step, final: Int32Array): Omit<FilterExample, "run"> {
  const { state, stats } = step;
  const rows = Array.from(state.targets.subarray(state.block.start, state.block.end));
  return {
    confidences: Array.from(blockConfidences(step)),
    isFinal: rows.map((row) => stats.topIds[positionOf(stats.rows, row) * stats.k] === final[row]),
    isMasked: rows.map((row) => state.canvas.kinds[row] === MASKED),
  };
}
