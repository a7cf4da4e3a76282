import type { ByteDfa } from "./dfa.ts";

/**
 * The one automaton with the fewest states for the language of `dfa`: states that lead nowhere are gone, states are
 * numbered breadth first and byte classes by their first byte.
 *
 * Hopcroft's partition refinement (1971), over all classes of a splitter at once; `O(classes * states * log states)`.
 */
export function minimise(dfa: ByteDfa): ByteDfa {
  const { blockOf, blocks, sink } = refine(dfa);
  const { classOf, classes, first } = mergeClasses(dfa, blockOf, sink);
  const example = new Int32Array(blocks).fill(-1);
  for (let state = 0; state < dfa.states; state++) example[blockOf[state]!] = state;

  const number = new Int32Array(blocks).fill(-1);
  const order: number[] = [];
  const visit = (block: number): number => {
    if (block === sink) return -1;
    if (number[block] === -1) number[block] = order.push(block) - 1;
    return number[block]!;
  };
  const start = dfa.states === 0 ? -1 : visit(blockOf[dfa.start]!);
  const next: number[] = [];
  const accepting: number[] = [];
  for (let at = 0; at < order.length; at++) {
    const state = example[order[at]!]!;
    accepting.push(dfa.accepting[state]!);
    for (const from of first) {
      const target = dfa.next[state * dfa.classes + from]!;
      next.push(target < 0 ? -1 : visit(blockOf[target]!));
    }
  }
  return {
    states: order.length,
    start,
    classes,
    classOf,
    next: Int32Array.from(next),
    accepting: Uint8Array.from(accepting),
  };
}

interface Partition {
  /** Block of each state; one more than the automaton has: the sink that every missing edge leads to. */
  readonly blockOf: Int32Array;
  readonly blocks: number;
  /** The block of states that lead nowhere. */
  readonly sink: number;
}

function refine(dfa: ByteDfa): Partition {
  const total = dfa.states + 1;
  const sinkState = dfa.states;
  const sources = invert(dfa);
  // Blocks are runs of `members`; `marked` counts how many at the front of a run are in the preimage at hand.
  const members = Int32Array.from({ length: total }, (_, state) => state);
  members.sort((a, b) => isAccepting(dfa, b) - isAccepting(dfa, a));
  const place = new Int32Array(total);
  for (let i = 0; i < total; i++) place[members[i]!] = i;
  const blockOf = new Int32Array(total);
  const begin: number[] = [0];
  const end: number[] = [total];
  const marked: number[] = [0];
  const isQueued: boolean[] = [true];
  const queue: number[] = [0];

  function split(block: number, at: number): void {
    const fresh = begin.length;
    // The fresh block is the smaller half, which is the one worth splitting by.
    const takesFront = at - begin[block]! <= end[block]! - at;
    begin.push(takesFront ? begin[block]! : at);
    end.push(takesFront ? at : end[block]!);
    if (takesFront) begin[block] = at;
    else end[block] = at;
    marked.push(0);
    isQueued.push(true);
    queue.push(fresh);
    for (let i = begin[fresh]!; i < end[fresh]!; i++) blockOf[members[i]!] = fresh;
  }

  let accepted = 0;
  while (accepted < total && isAccepting(dfa, members[accepted]!) === 1) accepted++;
  if (accepted > 0) split(0, accepted);

  for (let splitter = queue.pop(); splitter !== undefined; splitter = queue.pop()) {
    isQueued[splitter] = false;
    const targets = members.slice(begin[splitter]!, end[splitter]!);
    for (let c = 0; c < dfa.classes; c++) {
      const touched: number[] = [];
      for (const target of targets) {
        const index = c * total + target;
        for (let i = sources.offsets[index]!; i < sources.offsets[index + 1]!; i++) {
          const state = sources.states[i]!;
          const block = blockOf[state]!;
          const slot = begin[block]! + marked[block]!;
          if (marked[block] === 0) touched.push(block);
          marked[block]!++;
          const other = members[slot]!;
          members[place[state]!] = other;
          place[other] = place[state]!;
          members[slot] = state;
          place[state] = slot;
        }
      }
      for (const block of touched) {
        const at = begin[block]! + marked[block]!;
        marked[block] = 0;
        if (at < end[block]!) split(block, at);
      }
    }
  }
  return { blockOf, blocks: begin.length, sink: blockOf[sinkState]! };
}

function isAccepting(dfa: ByteDfa, state: number): number {
  return state < dfa.states ? dfa.accepting[state]! : 0;
}

/** For each class and target the states that lead there, in runs given by `offsets`. */
function invert(dfa: ByteDfa): { offsets: Int32Array; states: Int32Array } {
  const total = dfa.states + 1;
  const target = (state: number, c: number): number => {
    const to = state < dfa.states ? dfa.next[state * dfa.classes + c]! : -1;
    return to < 0 ? dfa.states : to;
  };
  const offsets = new Int32Array(dfa.classes * total + 1);
  for (let state = 0; state < total; state++) {
    for (let c = 0; c < dfa.classes; c++) offsets[c * total + target(state, c) + 1]!++;
  }
  for (let i = 1; i < offsets.length; i++) offsets[i]! += offsets[i - 1]!;
  const states = new Int32Array(dfa.classes * total);
  const filled = offsets.slice();
  for (let state = 0; state < total; state++) {
    for (let c = 0; c < dfa.classes; c++) {
      const index = c * total + target(state, c);
      states[filled[index]!++] = state;
    }
  }
  return { offsets, states };
}

/** Classes whose columns agree become one; `first` names a class of `dfa` for each. */
function mergeClasses(
  dfa: ByteDfa,
  blockOf: Int32Array,
  sink: number,
): { classOf: Uint8Array; classes: number; first: number[] } {
  const merged = new Map<string, number>();
  const first: number[] = [];
  const classOf = new Uint8Array(256);
  const ofOld = new Int32Array(dfa.classes).fill(-1);
  for (let byte = 0; byte < 256; byte++) {
    const old = dfa.classOf[byte]!;
    if (ofOld[old] === -1) {
      const column = Array.from({ length: dfa.states }, (_, state) => {
        const to = dfa.next[state * dfa.classes + old]!;
        return blockOf[state] === sink || to < 0 ? sink : blockOf[to]!;
      });
      const key = column.join();
      if (!merged.has(key)) merged.set(key, first.push(old) - 1);
      ofOld[old] = merged.get(key)!;
    }
    classOf[byte] = ofOld[old]!;
  }
  return { classOf, classes: first.length, first };
}
