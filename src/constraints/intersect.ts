import { type ByteDfa, MAX_STATES } from "./dfa.ts";
import { tooLarge } from "./errors.ts";
import { minimise } from "./minimise.ts";

/**
 * The texts both automata accept: the product of their states, as far as it is reached.
 *
 * @throws UnmaskError `invalid-options` above {@link MAX_STATES} states
 */
export function intersect(a: ByteDfa, b: ByteDfa): ByteDfa {
  const pairs: number[] = [];
  const known = new Map<number, number>();
  const stateOf = (x: number, y: number): number => {
    if (x < 0 || y < 0) return -1;
    const key = x * b.states + y;
    let state = known.get(key);
    if (state === undefined) {
      if (pairs.length >= MAX_STATES) throw tooLarge(`${MAX_STATES} states`);
      state = pairs.push(key) - 1;
      known.set(key, state);
    }
    return state;
  };

  const { classOf, members } = pairClasses(a, b);
  const start = stateOf(a.start, b.start);
  const next: number[] = [];
  const accepting: number[] = [];
  for (let at = 0; at < pairs.length; at++) {
    const x = Math.floor(pairs[at]! / b.states);
    const y = pairs[at]! % b.states;
    accepting.push(a.accepting[x]! & b.accepting[y]!);
    for (const [ca, cb] of members)
      next.push(stateOf(a.next[x * a.classes + ca]!, b.next[y * b.classes + cb]!));
  }
  return minimise({
    states: pairs.length,
    start,
    classes: members.length,
    classOf,
    next: Int32Array.from(next),
    accepting: Uint8Array.from(accepting),
  });
}

/** One class for each pair of classes that some byte has. */
function pairClasses(a: ByteDfa, b: ByteDfa): { classOf: Uint8Array; members: [number, number][] } {
  const members: [number, number][] = [];
  const known = new Map<number, number>();
  const classOf = Uint8Array.from({ length: 256 }, (_, byte) => {
    const pair: [number, number] = [a.classOf[byte]!, b.classOf[byte]!];
    const key = pair[0] * 256 + pair[1];
    if (!known.has(key)) known.set(key, members.push(pair) - 1);
    return known.get(key)!;
  });
  return { classOf, members };
}
