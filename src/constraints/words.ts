import type { ByteDfa } from "./dfa.ts";
import { minimise } from "./minimise.ts";

/**
 * Texts that contain none of `words`: Aho and Corasick's automaton (1975) without the states in which a word has been
 * read.
 *
 * @param words UTF-8 bytes, none empty
 */
export function withoutWords(words: readonly (readonly number[])[]): ByteDfa {
  const { classOf, classes } = classesOf(words);
  const children: Map<number, number>[] = [new Map()];
  const ends = new Set<number>();
  for (const word of words) {
    let node = 0;
    for (const byte of word) {
      const c = classOf[byte]!;
      let child = children[node]!.get(c);
      if (child === undefined) {
        child = children.push(new Map()) - 1;
        children[node]!.set(c, child);
      }
      node = child;
    }
    ends.add(node);
  }

  // Breadth first: the automaton of a shorter prefix is finished before a longer one falls back to it.
  const next = new Int32Array(children.length * classes);
  const order = [0];
  const fallback = new Int32Array(children.length);
  for (let at = 0; at < order.length; at++) {
    const node = order[at]!;
    for (let c = 0; c < classes; c++) {
      const onward = node === 0 ? 0 : next[fallback[node]! * classes + c]!;
      const child = children[node]!.get(c);
      next[node * classes + c] = child ?? onward;
      if (child === undefined) continue;
      fallback[child] = onward;
      if (ends.has(onward)) ends.add(child);
      order.push(child);
    }
  }
  const states = children.length;
  return minimise({
    states,
    start: 0,
    classes,
    classOf,
    next: next.map((target) => (ends.has(target) ? -1 : target)),
    accepting: new Uint8Array(states).fill(1),
  });
}

/** Texts that contain `word` at least once: Knuth, Morris and Pratt's automaton (1977) that stays where it has read it. */
export function withWord(word: readonly number[]): ByteDfa {
  const { classOf, classes } = classesOf([word]);
  const next = new Int32Array((word.length + 1) * classes);
  let fallback = 0;
  for (let read = 0; read < word.length; read++) {
    const wanted = classOf[word[read]!]!;
    for (let c = 0; c < classes; c++) {
      next[read * classes + c] = c === wanted ? read + 1 : read === 0 ? 0 : next[fallback * classes + c]!;
    }
    if (read > 0) fallback = next[fallback * classes + wanted]!;
  }
  next.fill(word.length, word.length * classes);
  const accepting = new Uint8Array(word.length + 1);
  accepting[word.length] = 1;
  return minimise({ states: word.length + 1, start: 0, classes, classOf, next, accepting });
}

/** A class for each byte of the words and one for all others. */
function classesOf(words: readonly (readonly number[])[]): { classOf: Uint8Array; classes: number } {
  const classOf = new Uint8Array(256);
  let classes = 1;
  for (const byte of new Set(words.flat())) classOf[byte] = classes++;
  return { classOf, classes };
}
