import type { Commit } from "../../core/events.ts";
import { MASKED } from "../canvas.ts";
import { quotaSelector } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import { positionOf, sampledProbability } from "../rows.ts";
import type { DecodeState, Step, StopRule } from "../strategy.ts";

export interface ProphetOptions {
  /** Steps of the whole run: progress is the share of them that is done. */
  readonly steps: number;
  /** Mean gap of logits at which everything is committed, before a third, before two thirds, and after. */
  readonly gaps: readonly [early: number, middle: number, late: number];
  /** Rows whose gaps are averaged; when undefined the masks that are left before the end of the text. */
  answer?(state: DecodeState): readonly number[];
  /** Ids that end a text: what stands or is predicted behind one is no answer. Absent: no text ends early. */
  readonly eosIds?: readonly number[];
  /** The reference also ends where a token that was drawn is the mask, and leaves it; golden replays keep that. */
  readonly leavesMasks?: boolean;
}

/**
 * Prophet (arXiv 2508.19982): once the mean gap between the best and the second-best logit of the answer is large
 * enough, every mask takes the token that was drawn for it and the run ends. The gaps are of logits, so guidance scales them.
 */
export function prophetStop(options: ProphetOptions): StopRule {
  const { steps, gaps, answer, eosIds = [], leavesMasks = false } = options;
  return {
    needs: { topK: 2 },
    watch: (state) => [...(answer?.(state) ?? []), ...maskedRows(state)],
    stop: (step) => {
      const { state, stats, traits } = step;
      const rows = answer?.(state) ?? maskedBeforeEnd(step, eosIds);
      const progress = (state.step + 1) / steps;
      const bar = progress < 0.33 ? gaps[0] : progress < 0.67 ? gaps[1] : gaps[2];
      let total = 0;
      for (const row of rows) {
        const r = positionOf(stats.rows, row) * stats.k;
        total += stats.topLogits[r]! - stats.topLogits[r + 1]!;
      }
      if (rows.length === 0 || !(total / rows.length >= bar)) return null;
      const commits = maskedRows(state).map((row): Commit => {
        const r = positionOf(stats.rows, row);
        const conf = sampledProbability(stats, r);
        return { row, id: stats.sampledIds[r]!, conf, reason: "fill" };
      });
      const written = commits.filter(({ id }) => id !== traits.maskId);
      return leavesMasks || written.length === commits.length
        ? { commits: written, overwrites: [], reason: "complete" }
        : null;
    },
  };
}

function maskedRows({ canvas, targets }: DecodeState): readonly number[] {
  return Array.from(targets).filter((row) => canvas.kinds[row] === MASKED);
}

/** Masks before the first cell that ends the text or is best filled with its end. */
function maskedBeforeEnd(
  { state, stats }: Pick<Step, "state" | "stats">,
  eosIds: readonly number[],
): readonly number[] {
  const { canvas, targets } = state;
  const end = targets.find((row) => {
    const isMasked = canvas.kinds[row] === MASKED;
    return eosIds.includes(
      isMasked ? stats.topIds[positionOf(stats.rows, row) * stats.k]! : canvas.ids[row]!,
    );
  });
  return maskedRows(state).filter((row) => end === undefined || row < end);
}

/**
 * The paper's gaps. Its answer stands at a fixed place behind a template; here the answer is all that is masked before
 * the first predicted end of the text, as padding behind it is clear from the first forward on.
 */
export const prophetPreset: Preset = {
  title: "Prophet: one token a step until everything left is clear",
  overrules: true,
  keys: ["steps"],
  pieces: ({ steps }, { eos }) => ({
    selector: quotaSelector({ steps, keepZeroSteps: false }),
    stop: prophetStop({ steps, gaps: [7.5, 5, 2.5], eosIds: eos }),
    demands: { looksAhead: true },
  }),
};
