import { type Canvas, MASKED } from "../canvas.ts";
import type { Preset } from "../recipe/preset.ts";
import type { Candidates, Sampler, Step, Strategy } from "../strategy.ts";

/** Best tokens of a row that are looked at for one that repeats nothing. */
const WIDTH = 16;

/** Whether a preset chooses all that it writes by a score, so that no run of tokens gets past {@link withoutRepeats}. */
export function takesRepeatGuard({ unranked, revises, overrules }: Preset): boolean {
  return unranked !== true && revises !== true && overrules !== true;
}

/**
 * A strategy that does not write a run of `size` tokens a second time: `no_repeat_ngram_size` of Hugging Face's `generate`,
 * for cells that are written in any order. A candidate that would complete such a run gives way to the best token that does
 * not, with that token's own probability, before anything is scored; where all of the best {@link WIDTH} would, it stays.
 * The prompt counts as text. Tokens that a reviser puts in place of others are not looked at.
 *
 * @param size at least 2
 * @param exempt ids that may be repeated: ends and padding
 */
export function withoutRepeats(strategy: Strategy, size: number, exempt: readonly number[]): Strategy {
  const { sampler, selector } = strategy;
  return {
    ...strategy,
    sampler: {
      ...sampler,
      needs: { ...sampler.needs, topK: Math.max(WIDTH, sampler.needs?.topK ?? 1) },
      draw: drawing(sampler, size, exempt),
    },
    selector: {
      ...selector,
      select(step, scores) {
        const picks = selector.select(step, scores);
        // What is written in this step counts before the next cell is looked at.
        const text = textOf(step.state.canvas, size, exempt);
        for (const { index } of picks.toSorted((a, b) => scores[b.index]! - scores[a.index]!)) {
          replaceRepeat(step.candidates, index, text, step.stats);
          text.write(step.candidates.rows[index]!, step.candidates.ids[index]!);
        }
        return picks;
      },
    },
  };
}

function drawing(sampler: Sampler, size: number, exempt: readonly number[]): Sampler["draw"] {
  return (stats, rows, at, state) => {
    const candidates = sampler.draw(stats, rows, at, state);
    const text = textOf(state.canvas, size, exempt);
    for (let index = 0; index < rows.length; index++) replaceRepeat(candidates, index, text, stats);
    return candidates;
  };
}

function replaceRepeat(candidates: Candidates, index: number, text: Text, stats: Step["stats"]): void {
  const row = candidates.rows[index]!;
  if (!text.repeats(row, candidates.ids[index]!)) return;
  const r = candidates.at[index]!;
  for (let place = r * stats.k; place < (r + 1) * stats.k; place++) {
    const id = stats.topIds[place]!;
    const logit = stats.topLogits[place]!;
    if (logit === Number.NEGATIVE_INFINITY || text.repeats(row, id)) continue;
    candidates.ids[index] = id;
    candidates.probabilities[index] = Math.exp(logit - stats.lse[r]!);
    return;
  }
}

/** The runs of tokens that stand in a canvas. */
interface Text {
  /** Whether `id` in the masked cell `row` completes a run that stands elsewhere. */
  repeats(row: number, id: number): boolean;
  write(row: number, id: number): void;
}

const HOLE = -1;

function textOf({ ids, kinds }: Canvas, size: number, exempt: readonly number[]): Text {
  const cells = Array.from(ids, (id, row) => (kinds[row] === MASKED || exempt.includes(id) ? HOLE : id));
  /** The run of `size` cells from `start` on; undefined where one of them holds nothing that counts. */
  const runAt = (start: number): string | undefined => {
    if (start < 0 || start + size > cells.length) return undefined;
    const run = cells.slice(start, start + size);
    return run.includes(HOLE) ? undefined : run.join(" ");
  };
  const runsOver = (row: number): string[] =>
    Array.from({ length: size }, (_, i) => runAt(row - i)).filter((run) => run !== undefined);
  const known = new Set(cells.map((_, start) => runAt(start)).filter((run) => run !== undefined));
  return {
    repeats(row, id) {
      if (exempt.includes(id)) return false;
      const before = cells[row]!;
      cells[row] = id;
      const runs = runsOver(row);
      cells[row] = before;
      return runs.some((run, i) => known.has(run) || runs.indexOf(run) !== i);
    },
    write(row, id) {
      if (exempt.includes(id)) return;
      cells[row] = id;
      for (const run of runsOver(row)) known.add(run);
    },
  };
}
