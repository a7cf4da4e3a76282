import { areStored, type CachePolicy, type CacheView, fullForward } from "./policy.ts";
import { complement, predictingRows, range, union } from "./rows.ts";

export interface PartialOptions {
  /** Forwards from one computation of the whole prompt to the next (dLLM-Cache: Kp, 25 to 100). */
  readonly promptEvery: number;
  /** Forwards from one computation of everything to be filled to the next (dLLM-Cache: Kr, 7 or 8). */
  readonly answerEvery: number;
  /** Share of the rows to be filled that is computed in between. */
  readonly share: number;
}

/**
 * Partial refresh after dLLM-Cache (arXiv 2506.06295): the prompt and the answer are computed on schedules of their own,
 * and in between a share of the answer.
 *
 * dLLM-Cache chooses that share by how far each row's new V is from its stored V. Here it is chosen once for all layers
 * and without computing anything: V of the first layer depends on the token alone, so it differs exactly for rows whose
 * token changed since they were stored. These come first, with the rows the strategy chooses from; the rest goes to the
 * rows that were not computed for longest.
 */
export function partialCache({ promptEvery, answerEvery, share }: PartialOptions): CachePolicy {
  return (view) => {
    const { memory, ids, targets } = view;
    const answer = range(targets[0] ?? ids.length, ids.length);
    const prompt = range(0, targets[0] ?? ids.length);
    const isPromptDue =
      prompt.length > 0 && (memory.forwards % promptEvery === 0 || !areStored(memory, prompt));
    const isAnswerDue = memory.forwards % answerEvery === 0 || !areStored(memory, answer);
    if ((isPromptDue || prompt.length === 0) && isAnswerDue)
      return fullForward(ids.length, range(0, ids.length));
    const queryRows = union(
      isPromptDue ? prompt : [],
      isAnswerDue ? answer : someOf(view, answer, Math.ceil(share * targets.length)),
      predictingRows(view.eligible, view.shift),
    );
    return { queryRows, readRows: complement(ids.length, queryRows), writeRows: queryRows };
  };
}

/** Changed rows, then the oldest, up to `budget` together with the eligible ones. */
function someOf({ memory, ids, eligible, shift }: CacheView, answer: Int32Array, budget: number): Int32Array {
  const chosen = union(
    predictingRows(eligible, shift),
    answer.filter((row) => memory.written[row] !== ids[row]),
  );
  const isChosen = new Set(chosen);
  const others = answer
    .filter((row) => !isChosen.has(row))
    .sort((a, b) => memory.age[b]! - memory.age[a]! || a - b);
  return union(chosen, others.subarray(0, Math.max(0, budget - chosen.length)));
}
