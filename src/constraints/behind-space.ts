import type { ByteDfa } from "./dfa.ts";
import { minimise } from "./minimise.ts";

const SPACE = 0x20;

/**
 * What a model may write where a text ends with a space that was left to it: the texts of `dfa`, each with a space in
 * front or, unless it begins with one itself, without. So taking a first space off leaves exactly the texts of `dfa`.
 *
 * @param dfa not the empty language
 */
export function behindSpace(dfa: ByteDfa): ByteDfa {
  const { states, start, classes, classOf, next, accepting } = dfa;
  // The space gets a class of its own, and the text a state before its first byte.
  const width = classes + 1;
  const wider = new Int32Array((states + 1) * width);
  for (let state = 0; state <= states; state++) {
    const from = state < states ? state : start;
    for (let c = 0; c < classes; c++) wider[state * width + c] = next[from * classes + c]!;
    wider[state * width + classes] = state < states ? next[from * classes + classOf[SPACE]!]! : start;
  }
  const isAccepting = new Uint8Array(states + 1);
  isAccepting.set(accepting);
  isAccepting[states] = accepting[start]!;
  return minimise({
    states: states + 1,
    start: states,
    classes: width,
    classOf: classOf.with(SPACE, classes),
    next: wider,
    accepting: isAccepting,
  });
}
