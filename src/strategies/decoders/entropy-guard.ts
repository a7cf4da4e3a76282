import { FILLED } from "../canvas.ts";
import { defineMemory } from "../memory.ts";
import type { Reviser, Step } from "../strategy.ts";

interface GuardMemory {
  block: number;
  /** Entropy of the masks that the last step left, by slot. */
  entropies: Map<number, number>;
  /** What the last step committed; empty when it took something back itself. */
  commits: readonly { readonly slot: number; readonly confidence: number }[];
  /** Slots that were taken back once. */
  undone: Set<number>;
}

const memory = defineMemory<GuardMemory>("entropy-guard", () => ({
  block: -1,
  entropies: new Map(),
  commits: [],
  undone: new Set(),
}));

/**
 * Entropy guard: our analogue for text of EVODiff (arXiv 2509.26096), whose solver steps lower the conditional entropy. A
 * good parallel commit does too: what is left becomes clearer. Where the masks that the last step left are together more
 * uncertain than before it, the less confident half of its commits is taken back. Each cell at most once, so a run takes
 * at most twice as many commits.
 *
 * @param slack rise of the summed entropy that is tolerated, in nats
 */
export function entropyGuard(slack: number): Reviser {
  return {
    needs: { entropy: true },
    revise: (step, commits) => {
      const { state } = step;
      const { slots } = state.canvas;
      const known = memory.of(state);
      if (known.block !== state.block.start) {
        Object.assign(known, { block: state.block.start, entropies: new Map(), commits: [] });
      }
      const now = entropies(step);
      const remasks = known.commits.length > 1 && riseOf(known, now) > slack ? doubtful(step, known) : [];
      for (const row of remasks) known.undone.add(slots[row]!);
      const committed = new Set(commits.map(({ row }) => slots[row]!));
      known.entropies = new Map([...now].filter(([slot]) => !committed.has(slot)));
      // A cell that is a mask again makes the others less certain: that is no sign of a bad commit.
      known.commits =
        remasks.length > 0
          ? []
          : commits.map(({ row, conf }) => ({ slot: slots[row]!, confidence: conf ?? 0 }));
      return { remasks, overwrites: [] };
    },
  };
}

function entropies({ state: { canvas }, stats, candidates: { rows, at } }: Step): Map<number, number> {
  return new Map(Array.from(rows, (row, i) => [canvas.slots[row]!, stats.entropy![at[i]!]!]));
}

/** Over the masks that were left and are still there. */
function riseOf({ entropies: before }: GuardMemory, now: ReadonlyMap<number, number>): number {
  let rise = 0;
  for (const [slot, entropy] of now) rise += entropy - (before.get(slot) ?? entropy);
  return rise;
}

/** Rows of the less confident half of the last commits, ascending. */
function doubtful({ state: { canvas } }: Step, { commits, undone }: GuardMemory): number[] {
  const half = commits
    .toSorted((a, b) => a.confidence - b.confidence || a.slot - b.slot)
    .slice(0, Math.floor(commits.length / 2))
    .filter(({ slot }) => !undone.has(slot));
  return half
    .map(({ slot }) => canvas.slots.indexOf(slot))
    .filter((row) => row >= 0 && canvas.kinds[row] === FILLED)
    .sort((a, b) => a - b);
}
