import type { Draft } from "../../core/types.ts";
import { saber } from "../decoders/saber.ts";
import { wino } from "../decoders/wino.ts";
import { masksInBlock } from "../progress.ts";
import { presentRows } from "../rows.ts";
import type { DecodeState, Reviser, Selector, Step } from "../strategy.ts";
import { compose, type GoldenPlan } from "./plan.ts";
import { type GoldenCase, hyperCount, hyperNumber } from "./schema.ts";

/**
 * The references of WINO and Saber note for each cell whether a token was taken for it. Where that token is the mask, the
 * cell is done with though nothing stands in it.
 */
interface TakenMasks {
  /** Rows that were done with before this step. */
  readonly rows: Set<number>;
  /** Those of this step. */
  fresh: readonly number[];
  /** Tokens that this step took, masks too. */
  count: number;
}

/** The selector, shown the cells alone that are not done with. */
function selectingOthers(selector: Selector, taken: TakenMasks): Selector {
  return {
    ...selector,
    select: (step, scores) => {
      const { candidates, traits } = step;
      const open = Array.from(candidates.rows.keys()).filter((i) => !taken.rows.has(candidates.rows[i]!));
      const picks = selector
        .select(
          narrowed(step, open),
          Float64Array.from(open, (i) => scores[i]!),
        )
        .map(({ index, reason }) => ({ index: open[index]!, reason }));
      taken.count = picks.length;
      taken.fresh = picks
        .filter(({ index }) => candidates.ids[index] === traits.maskId)
        .map(({ index }) => candidates.rows[index]!);
      return picks;
    },
  };
}

function narrowed(step: Step, open: readonly number[]): Step {
  const { rows, ids, probabilities, at } = step.candidates;
  return {
    ...step,
    candidates: {
      rows: Int32Array.from(open, (i) => rows[i]!),
      ids: Int32Array.from(open, (i) => ids[i]!),
      probabilities: Float64Array.from(open, (i) => probabilities[i]!),
      at: Int32Array.from(open, (i) => at[i]!),
    },
  };
}

/** WINO judges such cells like any other, and opens them again. Every block begins with all of its masks open. */
export function winoPlan(golden: GoldenCase): GoldenPlan {
  const { selector, reviser } = wino({
    threshold: hyperNumber(golden, "threshold") ?? 0.6,
    back: hyperNumber(golden, "threshold_back") ?? 0.9,
  });
  const taken: TakenMasks = { rows: new Set(), fresh: [], count: 0 };
  const choosing: Selector = {
    ...selectingOthers(selector, taken),
    scope: "reached",
    limit: (state) => {
      if (state.stepInBlock === 0) taken.rows.clear();
      return masksInBlock(state, 0) > taken.rows.size ? Number.POSITIVE_INFINITY : 0;
    },
  };
  const judging: Reviser = {
    drafts: (state, maskId) => [...reviser.drafts!(state, maskId), ...asTheyAre(state, maskId, taken.rows)],
    revise: (step, commits) => {
      const { maskId } = step.traits;
      const masks = taken.fresh.map((row) => ({ row, id: maskId, conf: null, reason: "threshold" as const }));
      const { remasks, overwrites } = reviser.revise(step, [...commits, ...masks]);
      const others = remasks.filter((row) => !taken.rows.delete(row));
      for (const row of taken.fresh) taken.rows.add(row);
      return { remasks: others, overwrites };
    },
  };
  return compose(golden, choosing, { reviser: judging });
}

/** A mask that was taken is judged where it stands. */
function asTheyAre(state: DecodeState, maskId: number, rows: ReadonlySet<number>): Draft[] {
  const { canvas, targets, block } = state;
  const inBlock = presentRows(targets.subarray(block.start, block.end), Int32Array.from(rows));
  return Array.from(inBlock, (row) => ({
    canvas: canvas.ids.slice(),
    rows: Int32Array.of(row),
    gather: Int32Array.of(maskId),
  }));
}

/** Saber never opens such cells again, and ends once nothing else is left. */
export function saberPlan(golden: GoldenCase): GoldenPlan {
  const taken: TakenMasks = { rows: new Set(), fresh: [], count: 0 };
  const { selector, reviser } = saber({ least: hyperCount(golden, "n") ?? 2, taken: () => taken.count });
  const masksLeft = (state: DecodeState): number =>
    masksInBlock({ ...state, block: { start: 0, end: state.targets.length } }, 0);
  const choosing: Selector = {
    ...selectingOthers(selector, taken),
    limit: (state) => (masksLeft(state) > taken.rows.size ? Number.POSITIVE_INFINITY : 0),
  };
  const revising: Reviser = {
    revise: (step, commits) => {
      for (const row of taken.fresh) taken.rows.add(row);
      return masksLeft(step.state) - commits.length === taken.rows.size
        ? { remasks: [], overwrites: [] }
        : reviser.revise(step, commits);
    },
  };
  return compose(golden, choosing, { reviser: revising });
}
