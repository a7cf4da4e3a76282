import { hash3 } from "../../core/random.ts";
import type { Selector } from "../strategy.ts";

/** One commit of a slow decoder: what was known when it was made. */
export interface SlowStep {
  readonly row: number;
  readonly id: number;
  /** Of the distribution it was taken from, in nats. */
  readonly entropy: number;
  /** The best token of every cell that could have been chosen, by row. */
  readonly guesses: ReadonlyMap<number, number>;
}

/** The commits of a block in their order. A block that ended early has fewer than others. */
export type BlockTrace = readonly SlowStep[];

/**
 * The selector, telling of each commit: to be run one token a step.
 *
 * @param record is told the index of the block's first target too
 */
export function recordingSelector(
  selector: Selector,
  record: (block: number, step: SlowStep) => void,
): Selector {
  return {
    ...selector,
    needs: { ...selector.needs, entropy: true },
    select: (step, scores) => {
      const picks = selector.select(step, scores);
      const { rows, ids, at } = step.candidates;
      const guesses = new Map(Array.from(rows, (row, i) => [row, ids[i]!]));
      for (const { index } of picks) {
        const entropy = step.stats.entropy![at[index]!]!;
        record(step.state.block.start, { row: rows[index]!, id: ids[index]!, entropy, guesses });
      }
      return picks;
    },
  };
}

/** `[i][j]`: what it costs to commit the i-th to the (j - 1)-th token of the slow order together. */
export type GroupCosts = readonly Float64Array[];

/**
 * The quota table of `steps` steps whose groups cost least: a searched schedule in closed form (AutoDiffusion, arXiv
 * 2309.10438; OLSS, arXiv 2305.14677), by dynamic programming. Ties take the earlier cut.
 *
 * @param cells of a block
 * @param steps from 1 to `cells`
 * @returns positive counts that sum to `cells`
 */
export function cutSchedule(costs: GroupCosts, cells: number, steps: number): number[] {
  /** `best[s][j]`: least cost of the first j cells in s groups; `from` is where its last group begins. */
  const best = Array.from({ length: steps + 1 }, () =>
    new Float64Array(cells + 1).fill(Number.POSITIVE_INFINITY),
  );
  const from = Array.from({ length: steps + 1 }, () => new Int32Array(cells + 1));
  best[0]![0] = 0;
  for (let s = 1; s <= steps; s++) {
    for (let j = s; j <= cells; j++) {
      for (let i = s - 1; i < j; i++) {
        const total = best[s - 1]![i]! + costs[i]![j]!;
        if (total >= best[s]![j]! - 1e-12) continue;
        best[s]![j] = total;
        from[s]![j] = i;
      }
    }
  }
  const table: number[] = [];
  for (let s = steps, j = cells; s > 0; s--) {
    table.unshift(j - from[s]![j]!);
    j = from[s]![j]!;
  }
  return table;
}

/** `sum H - max H`: the bound of the EB-Sampler (arXiv 2505.24857) on what a parallel commit loses, over all traces. */
export function entropyCosts(traces: readonly BlockTrace[], cells: number): GroupCosts {
  return groupCosts(traces, cells, (group) => {
    const entropies = group.map(({ entropy }) => entropy);
    return entropies.reduce((sum, entropy) => sum + entropy, 0) - Math.max(0, ...entropies);
  });
}

/** Tokens that would have been others, had the group been committed when its first token was; over all traces. */
export function missCosts(traces: readonly BlockTrace[], cells: number): GroupCosts {
  return groupCosts(traces, cells, (group) => {
    const { guesses } = group[0]!;
    return group.filter(({ row, id }) => guesses.get(row) !== id).length;
  });
}

function groupCosts(
  traces: readonly BlockTrace[],
  cells: number,
  costOf: (group: BlockTrace) => number,
): GroupCosts {
  const costs = Array.from({ length: cells + 1 }, () => new Float64Array(cells + 1));
  for (const trace of traces) {
    for (let i = 0; i < Math.min(cells, trace.length); i++) {
      for (let j = i + 1; j <= cells; j++) costs[i]![j]! += costOf(trace.slice(i, j));
    }
  }
  return costs;
}

/** The table with one commit moved from one step to another, as the draw says; null when no step has one to spare. */
export function moveOne(table: readonly number[], seed: number, draw: number): number[] | null {
  const rich = Array.from(table.keys()).filter((step) => table[step]! > 1);
  if (rich.length === 0 || table.length < 2) return null;
  const giver = rich[hash3(seed, draw, 0, 0) % rich.length]!;
  const others = Array.from(table.keys()).filter((step) => step !== giver);
  const taker = others[hash3(seed, draw, 1, 0) % others.length]!;
  return table.map((count, step) => count + (step === taker ? 1 : 0) - (step === giver ? 1 : 0));
}

export interface SearchOptions {
  readonly seed: number;
  /** Tables to try besides those to begin with. */
  readonly rounds: number;
  /** Larger is better. */
  evaluate(table: readonly number[]): Promise<number>;
}

/**
 * Evolutionary search (AutoDiffusion's, with one parent and one child): moves commits between steps and keeps what
 * scores better. Seeded; a table is evaluated once.
 *
 * @param starts tables to begin with, at least one; the earlier wins a tie
 */
export async function searchSchedule(
  starts: readonly (readonly number[])[],
  { seed, rounds, evaluate }: SearchOptions,
): Promise<{ readonly table: readonly number[]; readonly score: number; readonly tried: number }> {
  const seen = new Map<string, number>();
  const scoreOf = async (table: readonly number[]): Promise<number> => {
    const key = table.join(",");
    const score = seen.get(key) ?? (await evaluate(table));
    seen.set(key, score);
    return score;
  };
  let best = { table: starts[0]!, score: await scoreOf(starts[0]!) };
  const offer = async (table: readonly number[]): Promise<void> => {
    const score = await scoreOf(table);
    if (score > best.score) best = { table, score };
  };
  for (const table of starts.slice(1)) await offer(table);
  for (let round = 0; round < rounds; round++) {
    const child = moveOne(best.table, seed, round);
    if (child !== null) await offer(child);
  }
  return { ...best, tried: seen.size };
}
