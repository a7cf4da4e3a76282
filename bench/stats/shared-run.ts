/** Finds the longest run of words that each of some samples shares with documents that stream by. */
export interface RunFinder {
  /** Takes the words of one document; runs do not cross documents. */
  read(words: readonly string[]): void;
  /** Words of the longest shared run of each sample so far. */
  longest(): number[];
}

/** A state of the automaton: the class of runs that end at the same places of the samples. */
interface State {
  readonly next: Map<number, number>;
  /** The state of its longest suffix that ends in more places. */
  link: number;
  /** Words of its longest run. */
  readonly length: number;
  /** Words of the longest run of this state that a document held. */
  found: number;
}

const ROOT = 0;

/**
 * Suffix automaton of the samples (Blumer et al., The smallest automaton recognizing the subwords of a text, 1985): one
 * step a word of the documents, however many samples there are.
 */
export function createRunFinder(samples: readonly (readonly string[])[]): RunFinder {
  const states: State[] = [{ next: new Map(), link: -1, length: 0, found: 0 }];
  const numbers = new Map<string, number>();
  let last = ROOT;
  const append = (word: number): number => {
    const added =
      states.push({ next: new Map(), link: ROOT, length: states[last]!.length + 1, found: 0 }) - 1;
    let at = last;
    for (; at >= 0 && !states[at]!.next.has(word); at = states[at]!.link) states[at]!.next.set(word, added);
    if (at >= 0) states[added]!.link = suffixAfter(states, at, word);
    last = added;
    return added;
  };
  const ends = samples.map((words, sample) => {
    const reached = words.map((word) => {
      let number = numbers.get(word);
      if (number === undefined) {
        number = numbers.size;
        numbers.set(word, number);
      }
      return append(number);
    });
    append(-1 - sample); // a word no document has, so that no run crosses two samples
    return reached;
  });
  return {
    read(words) {
      let at = ROOT;
      let length = 0;
      for (const word of words) {
        const number = numbers.get(word);
        if (number === undefined) {
          at = ROOT;
          length = 0;
          continue;
        }
        for (; at !== ROOT && !states[at]!.next.has(number); length = states[at]!.length)
          at = states[at]!.link;
        const following = states[at]!.next.get(number);
        if (following === undefined) continue;
        at = following;
        length += 1;
        states[at]!.found = Math.max(states[at]!.found, length);
      }
    },
    longest: () => {
      const found = foundEndingIn(states);
      return ends.map((reached) => reached.reduce((most, state) => Math.max(most, found[state]!), 0));
    },
  };
}

/** The state of the runs that `at` ends in, followed by `word`; split off where longer runs end in fewer places. */
function suffixAfter(states: State[], at: number, word: number): number {
  const target = states[at]!.next.get(word)!;
  const length = states[at]!.length + 1;
  const { link, next, length: whole } = states[target]!;
  if (whole === length) return target;
  const copy = states.push({ next: new Map(next), link, length, found: 0 }) - 1;
  states[target]!.link = copy;
  for (let up = at; up >= 0 && states[up]!.next.get(word) === target; up = states[up]!.link) {
    states[up]!.next.set(word, copy);
  }
  return copy;
}

/** For each state the longest found run that ends wherever the state's runs end: its own, or one of its suffixes. */
function foundEndingIn(states: readonly State[]): Int32Array {
  const order = [...states.keys()].sort((a, b) => states[a]!.length - states[b]!.length);
  const found = Int32Array.from(states, (state) => state.found);
  for (const at of order.toReversed()) {
    // A run that was found contains all its suffixes.
    const { link } = states[at]!;
    if (link >= 0 && found[at]! > 0) found[link] = states[link]!.length;
  }
  for (const at of order) if (found[at] === 0 && states[at]!.link >= 0) found[at] = found[states[at]!.link]!;
  return found;
}
