import {
  addBit,
  type Bitset,
  hasBit,
  isEqual,
  keepOnly,
  membersOf,
  overlaps,
  unite,
  wordsFor,
} from "./bitset.ts";
import type { TokenAutomaton } from "./token-automaton.ts";

/**
 * A run of canvas cells under a constraint, each holding a token or a mask that stands for any token.
 *
 * `forward[i]` are the states that some filling of the cells before `i` reaches, `live[i]` those of them from which
 * some filling of the cells from `i` on ends well. So a token fits into a masked cell exactly if it leads from a live
 * state before it to a live state behind it. Change cells with {@link setCell} and {@link setCells} only.
 */
export interface Segment {
  readonly automaton: TokenAutomaton;
  readonly maskId: number;
  /** `[N]`; owned by the segment. */
  readonly ids: Int32Array;
  /** Sets of automaton states, `[N + 1]`. */
  readonly forward: readonly Bitset[];
  readonly live: readonly Bitset[];
  /** States in which the segment may end. */
  readonly goal: Bitset;
  /** What was last found out about each masked cell; asked through {@link gateOf}, `[N]`. */
  readonly gates: (Gate | undefined)[];
}

/**
 * What fits between two sets of live states. Neighbours between the same sets, as in any long run of masks, share one,
 * and it is kept from step to step while the sets stay: each id is tried once for all of them.
 */
interface Gate {
  readonly before: Bitset;
  readonly behind: Bitset;
  /** The members of `before`. */
  readonly states: readonly number[];
  readonly verdicts: Map<number, boolean>;
  /** All ids that fit, once somebody wants them. */
  fitting?: Int32Array;
}

/**
 * @param ids copied
 * @param mayContinue the segment may end in the middle of a text: any state will do at its end
 */
export function openSegment(
  automaton: TokenAutomaton,
  ids: ArrayLike<number>,
  maskId: number,
  mayContinue = false,
): Segment {
  const words = wordsFor(automaton.states);
  const sets = (): Bitset[] => Array.from({ length: ids.length + 1 }, () => new Uint32Array(words));
  const goal = new Uint32Array(words);
  for (let state = 0; state < automaton.states; state++) {
    if (mayContinue || automaton.isAccepting(state)) addBit(goal, state);
  }
  const segment: Segment = {
    ...{ automaton, maskId, goal },
    ids: Int32Array.from(ids),
    forward: sets(),
    live: sets(),
    gates: new Array<Gate | undefined>(ids.length).fill(undefined),
  };
  addBit(segment.forward[0]!, automaton.start);
  recompute(segment);
  return segment;
}

/** Some filling of the masks satisfies the constraint. */
export function isFeasible(segment: Segment): boolean {
  return hasBit(segment.live[0]!, segment.automaton.start);
}

/** No mask is left and the constraint is satisfied. */
export function isComplete(segment: Segment): boolean {
  return isFeasible(segment) && !segment.ids.includes(segment.maskId);
}

/** With `id` in masked cell `at`, some filling of the other masks satisfies the constraint. */
export function fits(segment: Segment, at: number, id: number): boolean {
  const { behind, states, verdicts } = gateOf(segment, at);
  const known = verdicts.get(id);
  if (known !== undefined) return known;
  const isFitting = states.some((state) => {
    const target = segment.automaton.step(state, id);
    return target >= 0 && hasBit(behind, target);
  });
  verdicts.set(id, isFitting);
  return isFitting;
}

/** All ids that {@link fits} into masked cell `at`, ascending: a walk over the vocabulary for each live state. Read only. */
export function fittingIds(segment: Segment, at: number): Int32Array {
  const gate = gateOf(segment, at);
  if (gate.fitting !== undefined) return gate.fitting;
  const isFound = new Uint8Array(segment.automaton.vocab);
  for (const state of gate.states) {
    segment.automaton.eachInto(state, gate.behind, (id) => {
      isFound[id] = 1;
    });
  }
  gate.fitting = Int32Array.from(isFound.keys()).filter((id) => isFound[id] === 1);
  return gate.fitting;
}

function gateOf({ live, gates }: Segment, at: number): Gate {
  const [before, behind] = [live[at]!, live[at + 1]!];
  const known = [gates[at], gates[at - 1], gates[at + 1]].find(
    (gate) => gate !== undefined && isEqual(gate.before, before) && isEqual(gate.behind, behind),
  );
  const gate = known ?? {
    before: before.slice(),
    behind: behind.slice(),
    states: membersOf(before),
    verdicts: new Map(),
  };
  gates[at] = gate;
  return gate;
}

/** Puts a token or the mask into a cell. Filling a mask costs as far as its effect reaches; anything else a new start. */
export function setCell(segment: Segment, at: number, id: number): void {
  const old = segment.ids[at];
  if (old === id) return;
  segment.ids[at] = id;
  if (old !== segment.maskId) {
    recompute(segment);
    return;
  }
  // A filled mask only narrows: the states behind it until the old ones come back, then the live ones before it.
  for (let i = at; i < segment.ids.length; i++) {
    const before = segment.forward[i + 1]!.slice();
    advance(segment, i);
    if (isEqual(before, segment.forward[i + 1]!)) break;
    keepOnly(segment.live[i + 1]!, segment.forward[i + 1]!);
  }
  for (let i = at; i >= 0; i--) {
    const before = segment.live[i]!.slice();
    retreat(segment, i);
    if (isEqual(before, segment.live[i]!)) break;
  }
}

/** Makes the cells those of `ids`, `[N]`. As cheap as {@link setCell} while masks are only filled. */
export function setCells(segment: Segment, ids: ArrayLike<number>): void {
  const changed = Array.from(segment.ids.keys()).filter((at) => segment.ids[at] !== ids[at]);
  if (changed.every((at) => segment.ids[at] === segment.maskId)) {
    for (const at of changed) setCell(segment, at, ids[at]!);
    return;
  }
  segment.ids.set(Array.from(ids));
  recompute(segment);
}

function recompute(segment: Segment): void {
  const { forward, live, ids } = segment;
  for (let i = 0; i < ids.length; i++) advance(segment, i);
  const last = live[ids.length]!;
  last.set(segment.goal);
  keepOnly(last, forward[ids.length]!);
  for (let i = ids.length - 1; i >= 0; i--) retreat(segment, i);
}

/** `forward[i + 1]` from `forward[i]`. In a run of masks the states soon repeat, and from then on they are copied. */
function advance({ automaton, maskId, ids, forward }: Segment, i: number): void {
  const next = forward[i + 1]!;
  const isMask = ids[i] === maskId;
  if (isMask && i > 0 && ids[i - 1] === maskId && isEqual(forward[i - 1]!, forward[i]!)) {
    next.set(forward[i]!);
    return;
  }
  next.fill(0);
  for (const state of membersOf(forward[i]!)) {
    if (isMask) {
      unite(next, automaton.successors(state));
    } else {
      const target = automaton.step(state, ids[i]!);
      if (target >= 0) addBit(next, target);
    }
  }
}

/** `live[i]` from `live[i + 1]` and `forward[i]`. */
function retreat({ automaton, maskId, ids, forward, live }: Segment, i: number): void {
  const isMask = ids[i] === maskId;
  const behind = live[i + 1]!;
  const here = live[i]!;
  if (
    isMask &&
    ids[i + 1] === maskId &&
    isEqual(behind, live[i + 2]!) &&
    isEqual(forward[i]!, forward[i + 1]!)
  ) {
    here.set(behind);
    return;
  }
  here.fill(0);
  for (const state of membersOf(forward[i]!)) {
    const target = isMask ? -1 : automaton.step(state, ids[i]!);
    const goesOn = isMask
      ? overlaps(automaton.successors(state), behind)
      : target >= 0 && hasBit(behind, target);
    if (goesOn) addBit(here, state);
  }
}

/**
 * Of how many tokens whole texts can be, given the tokens of some cells.
 *
 * @param ids `[most]`: the token that stands in each cell, -1 for any
 * @returns lengths from 0 to `most`, ascending
 */
export function fittingLengths(automaton: TokenAutomaton, ids: readonly number[]): number[] {
  const lengths: number[] = [];
  let here = new Uint32Array(wordsFor(automaton.states));
  addBit(here, automaton.start);
  for (let length = 0; ; length++) {
    const states = membersOf(here);
    if (states.some((state) => automaton.isAccepting(state))) lengths.push(length);
    if (length >= ids.length || states.length === 0) return lengths;
    const next = new Uint32Array(here.length);
    for (const state of states) {
      if (ids[length] === -1) {
        unite(next, automaton.successors(state));
      } else {
        const target = automaton.step(state, ids[length]!);
        if (target >= 0) addBit(next, target);
      }
    }
    here = next;
  }
}

/** The fewest tokens that spell a whole text, `null` when the vocabulary has none. */
export function shortestLength(automaton: TokenAutomaton): number | null {
  const seen = new Uint32Array(wordsFor(automaton.states));
  addBit(seen, automaton.start);
  let layer = [automaton.start];
  for (let length = 0; layer.length > 0; length++) {
    if (layer.some((state) => automaton.isAccepting(state))) return length;
    const next: number[] = [];
    for (const state of layer) {
      for (const target of membersOf(automaton.successors(state))) {
        if (hasBit(seen, target)) continue;
        addBit(seen, target);
        next.push(target);
      }
    }
    layer = next;
  }
  return null;
}
