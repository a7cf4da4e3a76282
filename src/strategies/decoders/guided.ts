import { rank } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import type { Candidates, Pick, Selector } from "../strategy.ts";

/**
 * What another, cheaper model expects in `row` when it reads the canvas with the proposed tokens in place.
 *
 * @param ids the canvas, masks replaced by what the diffusion model proposes
 * @param row a row to be filled
 * @returns the expected id, or undefined when it has no opinion
 */
export type Supervisor = (ids: Int32Array, row: number) => number | undefined;

/**
 * Guided diffusion (FlashDLM, arXiv 2505.21467): a light supervisor reads the whole proposal, and the leftmost run of
 * masks on which it agrees is committed at once; without agreement the best row. It never writes a token itself.
 *
 * @param supervisorOf made anew in each step from the canvas as it is, masks included
 */
export function guidedSelector(supervisorOf: (ids: Int32Array, maskId: number) => Supervisor): Selector {
  return {
    select: ({ state, candidates: { rows, ids }, traits }, scores) => {
      const expected = supervisorOf(state.canvas.ids, traits.maskId);
      const proposal = state.canvas.ids.slice();
      for (const [i, row] of rows.entries()) proposal[row] = ids[i]!;
      return agreedRun(ids, scores, (i) => expected(proposal, rows[i]!));
    },
  };
}

/** The same under a companion, which has read the proposal by the time the statistics are there. */
export const companionSelector: Selector = {
  needs: { expected: true },
  select: ({ candidates: { ids, at }, stats }, scores) =>
    agreedRun(ids, scores, (i) => stats.expected![at[i]!]),
};

/** The candidates before the first one that is not expected, or else the best one. */
function agreedRun(
  ids: Candidates["ids"],
  scores: Float64Array,
  expected: (index: number) => number | undefined,
): readonly Pick[] {
  const agreed: Pick[] = [];
  for (let index = 0; index < ids.length && expected(index) === ids[index]; index++) {
    agreed.push({ index, reason: "draft" });
  }
  if (agreed.length > 0) return agreed;
  return rank(scores)
    .slice(0, 1)
    .map((index) => ({ index, reason: "best" }));
}

/**
 * A supervisor without a model: the token that most often followed the last two tokens, or else the last one, in what
 * stands in the canvas already (prompt lookup). The later occurrence wins a tie.
 */
export function ngramSupervisor(ids: Int32Array, maskId: number): Supervisor {
  const follows = new Map<string, Map<number, number>>();
  const count = (key: string, id: number): void => {
    const seen = follows.get(key) ?? new Map<number, number>();
    seen.set(id, (seen.get(id) ?? 0) + 1);
    follows.set(key, seen);
  };
  for (let row = 1; row < ids.length; row++) {
    const [before, last, id] = [ids[row - 2] ?? maskId, ids[row - 1]!, ids[row]!];
    if (id === maskId || last === maskId) continue;
    count(`${last}`, id);
    if (before !== maskId) count(`${before},${last}`, id);
  }
  return (proposal, row) => {
    const seen =
      follows.get(`${proposal[row - 2]},${proposal[row - 1]}`) ?? follows.get(`${proposal[row - 1]}`);
    if (seen === undefined) return undefined;
    return [...seen].reduce((best, entry) => (entry[1] >= best[1] ? entry : best))[0];
  };
}

export const guidedPreset: Preset = {
  title: "Guided: commits the run of tokens that a companion model, or else the text so far, also expects",
  keys: [],
  pieces: (_, { companion }) => ({
    selector: companion === true ? companionSelector : guidedSelector(ngramSupervisor),
  }),
};
