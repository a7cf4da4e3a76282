import { type Bitset, membersOf } from "./bitset.ts";
import { isFeasible, type Segment } from "./mask-wildcard.ts";

/** What the model says about one cell: its best ids and their natural-log probabilities, in any order. */
export interface RowChoices {
  readonly ids: ArrayLike<number>;
  readonly logProbs: ArrayLike<number>;
}

export interface BestPath {
  /** Ids of the cells asked for; the mask where a masked cell had no choices or is passed over. */
  readonly ids: Int32Array;
  /** Sum of the log-probabilities of the chosen ids. */
  readonly logProbability: number;
  /** Cells that stay masked although they had choices: none of them goes on there. */
  readonly passed: number;
}

/** The best way on from each state before a cell: cells it passes over, then the sum of its log-probabilities. */
interface Values {
  /** {@link NO_WAY} where there is none. */
  readonly passed: Int32Array;
  readonly sum: Float64Array;
}

const NO_WAY = 0x7fff_ffff;

/** One token (or the mask) in a cell: the state behind it, and the value of the best way that begins with it. */
type VisitWay = (id: number, target: number, passed: number, sum: number) => void;

/**
 * The most probable way to fill the masks of cells `[from, to)` so that the whole segment can still satisfy the
 * constraint: DINGO (arXiv 2505.23061), a Viterbi search over automaton states and cells.
 *
 * A masked cell without choices stays a mask, that is any token. So does one whose choices all lead nowhere: what else
 * could stand there nobody has said how probable it is. Of all fillings it takes those that pass over the fewest cells, of
 * these the most probable, of these the lexicographically smallest. Costs, for each cell, the live states times the
 * choices; cells are passed over only when there is no way without that.
 *
 * @returns `null` when the segment is not feasible
 */
export function bestPath(
  segment: Segment,
  from: number,
  to: number,
  choicesOf: (at: number) => RowChoices | undefined,
): BestPath | null {
  if (!isFeasible(segment)) return null;
  const choices = Array.from({ length: to - from }, (_, i) =>
    segment.ids[from + i] === segment.maskId ? choicesOf(from + i) : undefined,
  );
  return (
    search({ segment, from, choices, mayPass: false }) ?? search({ segment, from, choices, mayPass: true })
  );
}

/** The cells of one search: `choices[i]` belongs to cell `from + i`. */
interface Stretch {
  readonly segment: Segment;
  readonly from: number;
  readonly choices: readonly (RowChoices | undefined)[];
  readonly mayPass: boolean;
}

function search(stretch: Stretch): BestPath | null {
  const { segment, from, choices, mayPass } = stretch;
  const { automaton, live } = segment;
  const values = Array.from({ length: choices.length + 1 }, () => noWays(automaton.states));
  for (const state of membersOf(live[from + choices.length]!)) offer(values.at(-1)!, state, 0, 0);
  for (let i = choices.length - 1; i >= 0; i--) {
    const here = values[i]!;
    const behind = values[i + 1]!;
    for (const state of membersOf(live[from + i]!)) {
      eachWay(stretch, i, state, behind, (_id, _target, passed, sum) => offer(here, state, passed, sum));
      if (!mayPass || choices[i] === undefined) continue;
      eachPast(stretch, state, behind, (_id, _target, passed, sum) => offer(here, state, passed, sum));
    }
  }
  return trace(stretch, values);
}

/**
 * Follows the best values from the first cell on. Masks without choices may leave several states open; the next id is
 * then the smallest that continues best from any of them.
 */
function trace(stretch: Stretch, values: readonly Values[]): BestPath | null {
  const { segment, from, choices, mayPass } = stretch;
  let front = bestStates(values[0]!, segment.live[from]!);
  if (front.length === 0) return null;
  const ids = new Int32Array(choices.length);
  const logProbability = values[0]!.sum[front[0]!]!;
  const passed = values[0]!.passed[front[0]!]!;
  for (let i = 0; i < choices.length; i++) {
    const here = values[i]!;
    const behind = values[i + 1]!;
    const wanted = { passed: here.passed[front[0]!]!, sum: here.sum[front[0]!]! };
    let smallest = Number.POSITIVE_INFINITY;
    let next = new Set<number>();
    const consider: VisitWay = (id, target, count, sum) => {
      if (count !== wanted.passed || sum !== wanted.sum || id > smallest) return;
      if (id < smallest) next = new Set();
      smallest = id;
      next.add(target);
    };
    for (const state of front) {
      eachWay(stretch, i, state, behind, consider);
      if (mayPass && choices[i] !== undefined) eachPast(stretch, state, behind, consider);
    }
    ids[i] = smallest;
    front = [...next];
  }
  return { ids, logProbability, passed };
}

/** The ways through cell `i` that pass over nothing: its token, any token, or one of its choices. */
function eachWay(
  { segment, from, choices }: Stretch,
  i: number,
  state: number,
  behind: Values,
  visit: VisitWay,
): void {
  const { automaton, maskId } = segment;
  const id = segment.ids[from + i]!;
  const listed = choices[i];
  const offerTo = (token: number, target: number, logProb: number): void => {
    if (target < 0 || behind.passed[target] === NO_WAY) return;
    visit(token, target, behind.passed[target]!, logProb + behind.sum[target]!);
  };
  if (id !== maskId) {
    offerTo(id, automaton.step(state, id), 0);
  } else if (listed === undefined) {
    for (const target of membersOf(automaton.successors(state))) offerTo(maskId, target, 0);
  } else {
    for (let k = 0; k < listed.ids.length; k++) {
      const logProb = listed.logProbs[k]!;
      if (logProb > Number.NEGATIVE_INFINITY)
        offerTo(listed.ids[k]!, automaton.step(state, listed.ids[k]!), logProb);
    }
  }
}

/** The ways past a cell that stays masked although it has choices. */
function eachPast({ segment }: Stretch, state: number, behind: Values, visit: VisitWay): void {
  for (const target of membersOf(segment.automaton.successors(state))) {
    if (behind.passed[target] === NO_WAY) continue;
    visit(segment.maskId, target, behind.passed[target]! + 1, behind.sum[target]!);
  }
}

function noWays(states: number): Values {
  return { passed: new Int32Array(states).fill(NO_WAY), sum: new Float64Array(states) };
}

/** Keeps the better of what is known and what is offered. */
function offer(values: Values, state: number, passed: number, sum: number): void {
  const known = values.passed[state]!;
  if (passed > known || (passed === known && sum <= values.sum[state]!)) return;
  values.passed[state] = passed;
  values.sum[state] = sum;
}

/** The states of `among` that share the best value. */
function bestStates(values: Values, among: Bitset): number[] {
  let best: number[] = [];
  for (const state of membersOf(among)) {
    const first = best[0];
    if (values.passed[state] === NO_WAY) continue;
    if (first === undefined || isBetter(values, state, first)) best = [state];
    else if (!isBetter(values, first, state)) best.push(state);
  }
  return best;
}

function isBetter({ passed, sum }: Values, a: number, b: number): boolean {
  return passed[a]! < passed[b]! || (passed[a] === passed[b] && sum[a]! > sum[b]!);
}
