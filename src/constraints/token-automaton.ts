import { addBit, type Bitset, hasBit, wordsFor } from "./bitset.ts";
import { type ByteDfa, runDfa } from "./dfa.ts";
import { buildTrie } from "./token-trie.ts";

/** What a constraint needs to know about a tokenizer. */
export interface Vocabulary {
  /** Bytes of each id, `[V]`; empty for special tokens, which no constraint can match. Kept, not copied. */
  readonly tokens: readonly Uint8Array[];
  /** Tokens that end a text and fill the cells behind its end; empty where a text must fill all its cells. */
  readonly endIds: readonly number[];
  /** Ids that are never chosen, end tokens among them or not. */
  readonly excluded?: readonly number[];
}

/**
 * A byte automaton that reads tokens. States are those of the bytes and one more, `done`: an end token leads there
 * from every accepting state, and from there only end tokens go on. From every state the end can be reached by bytes,
 * though not always by tokens.
 */
export interface TokenAutomaton {
  /** Ids are below. */
  readonly vocab: number;
  readonly states: number;
  readonly start: number;
  /** A text may end here. */
  isAccepting(state: number): boolean;
  /** The state after token `id`, -1 when it does not fit. */
  step(state: number, id: number): number;
  /** The states one token away. Computed once a state and kept: read only. */
  successors(state: number): Bitset;
  /** Calls `visit` with every token that leads from `state` into `targets`, in no particular order. */
  eachInto(state: number, targets: Bitset, visit: (id: number) => void): void;
}

/**
 * Lifts `dfa` to tokens. Costs one pass over the vocabulary; the successors of a state cost one walk over its tree when
 * they are first asked for.
 *
 * @param dfa not the empty language
 */
export function createTokenAutomaton(dfa: ByteDfa, vocabulary: Vocabulary): TokenAutomaton {
  const { tokens } = vocabulary;
  const done = dfa.states;
  const excluded = new Set(vocabulary.excluded);
  const ends = new Set(vocabulary.endIds.filter((id) => !excluded.has(id)));
  const skipped = new Set([...ends, ...excluded]);
  const trie = buildTrie(dfa, tokens, skipped);
  const words = wordsFor(dfa.states + 1);
  const known: (Bitset | undefined)[] = [];

  const isAccepting = (state: number): boolean => state === done || dfa.accepting[state] === 1;

  /** Every node with tokens that `state` can read, and the state behind it. */
  function walk(state: number, visit: (node: number, target: number) => void): void {
    if (state === done) return;
    const stack = new Int32Array(trie.maxDepth + 1);
    stack[0] = state;
    for (let node = 1; node < trie.nodes; ) {
      const depth = trie.depths[node]!;
      const target = dfa.next[stack[depth - 1]! * dfa.classes + trie.classes[node]!]!;
      if (target < 0) {
        node = trie.skip[node]!;
        continue;
      }
      stack[depth] = target;
      if (trie.begin[node]! < trie.begin[node + 1]!) visit(node, target);
      node++;
    }
  }

  return {
    vocab: tokens.length,
    states: dfa.states + 1,
    start: dfa.start,
    isAccepting,
    step(state, id) {
      if (ends.has(id)) return isAccepting(state) ? done : -1;
      const bytes = tokens[id];
      if (state === done || bytes === undefined || bytes.length === 0 || skipped.has(id)) return -1;
      return runDfa(dfa, state, bytes);
    },
    successors(state) {
      let set = known[state];
      if (set === undefined) {
        set = new Uint32Array(words);
        const into = set;
        walk(state, (_node, target) => addBit(into, target));
        if (ends.size > 0 && isAccepting(state)) addBit(set, done);
        known[state] = set;
      }
      return set;
    },
    eachInto(state, targets, visit) {
      if (isAccepting(state) && hasBit(targets, done)) ends.forEach(visit);
      walk(state, (node, target) => {
        if (!hasBit(targets, target)) return;
        for (let i = trie.begin[node]!; i < trie.begin[node + 1]!; i++) visit(trie.ids[i]!);
      });
    },
  };
}
