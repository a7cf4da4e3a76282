import type { RowStats } from "../../core/types.ts";
import { MASKED } from "../canvas.ts";
import { defineMemory } from "../memory.ts";
import type { Preset } from "../recipe/preset.ts";
import { bestProbability, positionOf } from "../rows.ts";
import type { Candidates, DecodeState, Sampler, Selector } from "../strategy.ts";

export interface FreeDaveOptions {
  /** Canvases of a forward: the real one and `drafts - 1` that are filled further. */
  readonly drafts: number;
  /** Commit every token at or above this, and always the first; from 1 on it is one token a step. */
  readonly threshold: number;
  /** Which token comes first. */
  readonly order?: "confidence" | "left";
  readonly reference?: FreeDaveReference;
}

/**
 * What the reference does otherwise; only golden replays ask for it. It also evaluates drafts that are full already, up to
 * the masks there were.
 */
export interface FreeDaveReference {
  /**
   * Cells of its blocks where drafts reach into the next ones (`eager_acceptance_mode`): the open block is then all that
   * they reach. Once its first cells are written, tokens are still guessed from what was known before.
   */
  readonly eagerBlock: number | null;
}

interface Guess {
  readonly row: number;
  readonly id: number;
  readonly p: number;
}

interface DraftMemory {
  block: number;
  /** What the last accepted statistics would commit next, best first. */
  ranked: readonly Guess[];
  /** All that they say, where the reference goes on guessing from it. */
  known: readonly Guess[];
  /** What was decided from the statistics of this step. */
  picks: readonly Guess[];
  /** How many of them were the plain decoder's next step. */
  last: number;
}

const memory = defineMemory<DraftMemory>("freedave", () => ({
  block: -1,
  ranked: [],
  known: [],
  picks: [],
  last: 0,
}));

/**
 * FreeDave (arXiv 2510.00294): lossless speculation. Besides the canvas itself, a forward evaluates drafts that are a
 * few tokens further along the last ranking. A draft is accepted when its tokens are just what the step before it would
 * have committed, so the text is that of the plain decoder, token for token, and several of its steps can share one
 * forward. Costs rows: it pays where a forward is bound by its overhead.
 */
export function freeDave({ drafts: most, threshold, order = "confidence", reference }: FreeDaveOptions): {
  sampler: Sampler;
  selector: Selector;
} {
  const eagerBlock = reference?.eagerBlock ?? null;
  const partOf = ({ targets, block }: DecodeState, row: number): number =>
    eagerBlock === null ? 0 : Math.floor((row - targets[block.start]!) / eagerBlock);
  const next = (state: DecodeState, ranked: readonly Guess[]): readonly Guess[] => {
    // In float32 the probability of a very sure row is 1: a threshold of 1 promises one token a step all the same.
    const end = ranked.findIndex(
      ({ row, p }) =>
        threshold >= 1 || !(p >= threshold) || partOf(state, row) !== partOf(state, ranked[0]!.row),
    );
    return end < 0 ? ranked : ranked.slice(0, Math.max(1, end));
  };
  /** What was ranked and is still a mask: the canvas may have been cut. */
  const ahead = (state: DecodeState): readonly Guess[] => {
    const open = new Set(masksOfBlock(state));
    return memory.of(state).ranked.filter(({ row }) => open.has(row));
  };
  const guesses = (state: DecodeState, stats: RowStats, rows: readonly number[]): readonly Guess[] =>
    rows
      .map((row): Guess => {
        const r = positionOf(stats.rows, row);
        return {
          row,
          id: stats.topIds[r * stats.k]!,
          p: bestProbability(stats, r),
        };
      })
      .sort(
        (a, b) =>
          (order === "left" ? 0 : partOf(state, a.row) - partOf(state, b.row) || b.p - a.p) || a.row - b.row,
      );

  const sampler: Sampler = {
    noise: () => undefined,
    draw: (stats, rows, at, state) => {
      const ranking = ahead(state);
      const open = masksOfBlock(state);
      const lines = [stats, ...(stats.drafts ?? [])];
      // What each line holds beyond the canvas, and what it would commit next.
      const held = lines.map((_, k) => (k === 0 ? [] : ranking.slice(0, k)));
      const rankOf = (k: number): readonly Guess[] => {
        const filled = new Set(held[k]!.map(({ row }) => row));
        return guesses(
          state,
          lines[k]!,
          open.filter((row) => !filled.has(row)),
        );
      };
      let accepted = 0;
      let ranked = rankOf(0);
      for (let further = true; further; ) {
        const target = [...held[accepted]!, ...next(state, ranked)];
        const agrees = (guess: Guess): boolean =>
          target.some(({ row, id }) => row === guess.row && id === guess.id);
        let longest = accepted;
        for (let k = accepted + 1; k < lines.length; k++) if (held[k]!.every(agrees)) longest = k;
        further = longest > accepted;
        if (further) ranked = rankOf(longest);
        accepted = longest;
      }
      const picks = [...held[accepted]!, ...next(state, ranked)];
      const isAhead =
        eagerBlock !== null &&
        state.stepInBlock > 0 &&
        open.every((row) => partOf(state, row) > 0 || held[accepted]!.some((guess) => guess.row === row));
      const isLeft = ({ row }: Guess): boolean =>
        open.includes(row) && !picks.some((guess) => guess.row === row);
      const left = isAhead ? memory.of(state).known.filter(isLeft) : ranked;
      const last = next(state, left);
      memory.set(state, {
        block: state.block.start,
        ranked: left.slice(last.length),
        known: isAhead ? memory.of(state).known : eagerBlock === null ? [] : ranked,
        picks: isAhead ? [...picks, ...last] : picks,
        last: last.length,
      });
      return candidatesOf(memory.of(state).picks, rows, at);
    },
  };
  const selector: Selector = {
    scope: "open",
    drafts: (state) => {
      const { block, last } = memory.of(state);
      if (block !== state.block.start) return [];
      const ranked = ahead(state);
      const open = masksOfBlock(state);
      return Array.from(
        { length: Math.min(most - 1, ranked.length + (reference === undefined ? 0 : last - 1)) },
        (_, k) => {
          const canvas = state.canvas.ids.slice();
          const filled = new Set<number>();
          for (const { row, id } of ranked.slice(0, k + 1)) {
            canvas[row] = id;
            filled.add(row);
          }
          return { canvas, rows: Int32Array.from(open.filter((row) => !filled.has(row))) };
        },
      );
    },
    select: ({ state, candidates }) => {
      const rows = new Set(memory.of(state).picks.map(({ row }) => row));
      return Array.from(candidates.rows.keys())
        .filter((index) => rows.has(candidates.rows[index]!))
        .map((index) => ({ index, reason: "draft" }));
    },
  };
  if (reference === undefined) return { sampler, selector };
  // The reference checks a full draft too, but for one token that is the last.
  const isPending = (state: DecodeState): boolean => {
    const { targets, block, stepInBlock } = state;
    if (block.end === 0) return false;
    const isLast = eagerBlock === null || block.start + eagerBlock >= targets.length;
    const known = memory.of(state);
    return stepInBlock === 0 || (known.block === block.start && known.last > (isLast ? 1 : 0));
  };
  return { sampler, selector: { ...selector, isPending } };
}

/** The tokens that were decided; rows without one are not picked, whatever stands there. */
function candidatesOf(picks: readonly Guess[], rows: Int32Array, at: Int32Array): Candidates {
  const byRow = new Map(picks.map((guess) => [guess.row, guess]));
  return {
    rows,
    at,
    ids: Int32Array.from(rows, (row) => byRow.get(row)?.id ?? 0),
    probabilities: Float64Array.from(rows, (row) => byRow.get(row)?.p ?? 0),
  };
}

function masksOfBlock({ canvas, targets, block }: DecodeState): number[] {
  return Array.from(targets.subarray(block.start, block.end)).filter((row) => canvas.kinds[row] === MASKED);
}

export const freeDavePreset: Preset = {
  title: "FreeDave: drafts ahead, keeps exactly what one token a step would write",
  keys: ["threshold"],
  defaults: { threshold: 1 },
  unranked: true,
  greedy: true,
  overrules: true,
  pieces: ({ threshold }) => ({ ...freeDave({ drafts: 4, threshold }), demands: { drafts: "masks" } }),
};
