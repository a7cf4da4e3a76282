import { tooLarge } from "./errors.ts";
import { minimise } from "./minimise.ts";
import type { Nfa } from "./nfa.ts";

/** Most states of an automaton before it is minimised. */
export const MAX_STATES = 10_000;
/** Most edges and closures followed while it is built: a second or two. */
const MAX_WORK = 40_000_000;

/**
 * A deterministic automaton over bytes. Bytes that behave alike in every state share a class. As returned by
 * {@link minimise} it is canonical: equal languages have equal automata, and from every state the end can be reached.
 */
export interface ByteDfa {
  /** 0 states: the empty language. */
  readonly states: number;
  /** -1 in the empty language. */
  readonly start: number;
  readonly classes: number;
  /** Class of each byte, `[256]`. */
  readonly classOf: Uint8Array;
  /** `[states, classes]`; -1 where nothing follows. */
  readonly next: Int32Array;
  /** 1 where a text may end, `[states]`. */
  readonly accepting: Uint8Array;
}

/** The state after `bytes`, -1 when they lead nowhere. */
export function runDfa(dfa: ByteDfa, state: number, bytes: ArrayLike<number>): number {
  let at = state;
  for (let i = 0; i < bytes.length && at >= 0; i++) {
    at = dfa.next[at * dfa.classes + dfa.classOf[bytes[i]!]!]!;
  }
  return at;
}

/**
 * Subset construction, then {@link minimise}.
 *
 * @throws UnmaskError `invalid-options` above {@link MAX_STATES} states or {@link MAX_WORK} steps
 */
export function determinise(nfa: Nfa): ByteDfa {
  const { classOf, classes } = byteClasses(nfa);
  const stamp = new Int32Array(nfa.free.length).fill(-1);
  const next: number[] = [];
  const accepting: number[] = [];
  const subsets: number[][] = [];
  const known = new Map<string, number>();
  let work = 0;
  let round = 0;

  function spend(steps: number): void {
    work += steps;
    if (work > MAX_WORK) throw tooLarge(`${MAX_WORK / 1e6} million steps to build`);
  }

  /** The automaton state that stands for `seeds` and all that is free from them. */
  function stateOf(seeds: readonly number[]): number {
    round++;
    const members: number[] = [];
    const open = seeds.slice();
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      if (stamp[state] === round) continue;
      stamp[state] = round;
      if (nfa.edges[state]!.length > 0 || state === nfa.accept) members.push(state);
      open.push(...nfa.free[state]!);
      spend(1 + nfa.free[state]!.length);
    }
    members.sort((a, b) => a - b);
    const key = members.join();
    const found = known.get(key);
    if (found !== undefined) return found;
    if (subsets.length >= MAX_STATES) throw tooLarge(`${MAX_STATES} states`);
    known.set(key, subsets.length);
    accepting.push(members.includes(nfa.accept) ? 1 : 0);
    return subsets.push(members) - 1;
  }

  const start = stateOf([nfa.start]);
  for (let at = 0; at < subsets.length; at++) {
    const targets = Array.from({ length: classes }, (): number[] => []);
    for (const state of subsets[at]!) {
      const edges = nfa.edges[state]!;
      for (let e = 0; e < edges.length; e += 3) {
        const last = classOf[edges[e + 1]!]!;
        for (let c = classOf[edges[e]!]!; c <= last; c++) targets[c]!.push(edges[e + 2]!);
        spend(1 + last - classOf[edges[e]!]!);
      }
    }
    const seen = new Map<string, number>();
    for (const seeds of targets) {
      const key = seeds.join();
      let target = seeds.length === 0 ? -1 : seen.get(key);
      if (target === undefined) {
        target = stateOf(seeds);
        seen.set(key, target);
      }
      next.push(target);
    }
  }
  return minimise({
    states: subsets.length,
    start,
    classes,
    classOf,
    next: Int32Array.from(next),
    accepting: Uint8Array.from(accepting),
  });
}

/** Cuts 0..255 wherever an edge begins or ends; classes are numbered by their bytes, so an edge covers a run of them. */
function byteClasses(nfa: Nfa): { classOf: Uint8Array; classes: number } {
  const cut = new Uint8Array(257);
  for (const edges of nfa.edges) {
    for (let e = 0; e < edges.length; e += 3) {
      cut[edges[e]!] = 1;
      cut[edges[e + 1]! + 1] = 1;
    }
  }
  const classOf = new Uint8Array(256);
  for (let byte = 1; byte < 256; byte++) classOf[byte] = classOf[byte - 1]! + cut[byte]!;
  return { classOf, classes: classOf[255]! + 1 };
}
