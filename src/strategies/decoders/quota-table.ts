import { quotaSelector, rank } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import type { Selector } from "../strategy.ts";

/**
 * Plays a table: how many tokens each step of a block commits, as an offline search finds them for a model (AutoDiffusion,
 * OLSS). The last entry is repeated while masks are left, and what exceeds the masks is ignored.
 *
 * @param table positive counts
 */
export function tableSelector(table: readonly number[]): Selector {
  return {
    select: ({ state }, scores) => {
      const count = table[Math.min(state.stepInBlock, table.length - 1)] ?? 1;
      return rank(scores)
        .slice(0, count)
        .map((index) => ({ index, reason: "quota" }));
    },
  };
}

/** A number of steps in place of a table is LLaDA's: as many tokens in each step as it takes. */
export const quotaTablePreset: Preset = {
  title: "Quota table: as many tokens in each step of a block as a table says",
  keys: ["steps"],
  pieces: ({ table, steps }) => ({
    selector: table.length > 0 ? tableSelector(table) : quotaSelector({ steps, keepZeroSteps: false }),
  }),
};
