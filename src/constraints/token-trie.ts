import type { ByteDfa } from "./dfa.ts";

/**
 * The vocabulary as a tree of byte classes: tokens that no state of the automaton can tell apart share a node, and
 * tokens with a byte that is nowhere allowed are left out. Nodes are numbered in preorder, so a walk is a loop and
 * leaving out a branch is a jump.
 */
export interface TokenTrie {
  readonly nodes: number;
  readonly maxDepth: number;
  /** Class that leads to each node, `[nodes]`; the root (0) has none. */
  readonly classes: Uint8Array;
  /** Bytes read at each node, `[nodes]`. */
  readonly depths: Int32Array;
  /** First node behind the branch of each, `[nodes]`. */
  readonly skip: Int32Array;
  /** The ids of node `n` are `ids[begin[n]] .. ids[begin[n + 1] - 1]`, ascending; `[nodes + 1]`. */
  readonly begin: Int32Array;
  readonly ids: Int32Array;
}

/**
 * @param tokens bytes of each id; empty for ids that never match (special tokens)
 * @param skipped ids that are left out whatever their bytes
 */
export function buildTrie(
  dfa: ByteDfa,
  tokens: readonly Uint8Array[],
  skipped: ReadonlySet<number>,
): TokenTrie {
  const isDead = deadClasses(dfa);
  const tree = createTree(dfa.classes);
  // Tokens of a node are chained by id; from the last id down, chains ascend.
  const firstToken: number[] = [];
  const nextToken = new Int32Array(tokens.length).fill(-1);
  for (let id = tokens.length - 1; id >= 0; id--) {
    const bytes = tokens[id]!;
    if (bytes.length === 0 || skipped.has(id)) continue;
    let node = 0;
    for (let i = 0; i < bytes.length && node >= 0; i++) {
      const c = dfa.classOf[bytes[i]!]!;
      node = isDead[c] === 1 ? -1 : tree.child(node, c);
    }
    if (node < 0) continue;
    nextToken[id] = firstToken[node] ?? -1;
    firstToken[node] = id;
  }
  return inPreorder(tree, firstToken, nextToken);
}

interface Tree {
  readonly classOf: readonly number[];
  readonly parent: readonly number[];
  /** The child of a node by class; added when it is new. Children have higher numbers. */
  child(node: number, c: number): number;
}

/** Children are found in one hash table with linear probing: a chain or a map for each node takes several times longer. */
function createTree(classes: number): Tree {
  const classOf = [0];
  const parent = [-1];
  let table = new Int32Array(1 << 12);

  const slotOf = (node: number, c: number): number => {
    let slot = Math.imul(node * classes + c, 0x9e3779b1) >>> Math.clz32(table.length - 1);
    while (table[slot] !== 0 && (parent[table[slot]!] !== node || classOf[table[slot]!] !== c)) {
      slot = (slot + 1) & (table.length - 1);
    }
    return slot;
  };

  return {
    classOf,
    parent,
    child(node, c) {
      const slot = slotOf(node, c);
      if (table[slot] !== 0) return table[slot]!;
      const child = classOf.push(c) - 1;
      parent.push(node);
      table[slot] = child;
      if (2 * child > table.length) {
        table = new Int32Array(2 * table.length);
        for (let old = 1; old <= child; old++) table[slotOf(parent[old]!, classOf[old]!)] = old;
      }
      return child;
    },
  };
}

function inPreorder(tree: Tree, firstToken: readonly number[], nextToken: Int32Array): TokenTrie {
  const nodes = tree.classOf.length;
  // Sizes of branches, then places: a child stands behind its parent and the branches of its elder siblings.
  const size = new Int32Array(nodes).fill(1);
  for (let node = nodes - 1; node > 0; node--) size[tree.parent[node]!]! += size[node]!;
  const place = new Int32Array(nodes);
  const free = new Int32Array(nodes);
  free[0] = 1;
  const classes = new Uint8Array(nodes);
  const depths = new Int32Array(nodes);
  const skip = new Int32Array(nodes).fill(nodes);
  const tokenOf = new Int32Array(nodes).fill(-1);
  tokenOf[0] = firstToken[0] ?? -1;
  let maxDepth = 0;
  for (let node = 1; node < nodes; node++) {
    const parent = tree.parent[node]!;
    const at = free[parent]!;
    place[node] = at;
    free[parent] = at + size[node]!;
    free[node] = at + 1;
    classes[at] = tree.classOf[node]!;
    depths[at] = depths[place[parent]!]! + 1;
    skip[at] = at + size[node]!;
    tokenOf[at] = firstToken[node] ?? -1;
    maxDepth = Math.max(maxDepth, depths[at]!);
  }
  const begin = new Int32Array(nodes + 1);
  const ids: number[] = [];
  for (let at = 0; at < nodes; at++) {
    begin[at] = ids.length;
    for (let id = tokenOf[at]!; id !== -1; id = nextToken[id]!) ids.push(id);
  }
  begin[nodes] = ids.length;
  return { nodes, maxDepth, classes, depths, skip, begin, ids: Int32Array.from(ids) };
}

/** Classes with which no state goes on. */
function deadClasses(dfa: ByteDfa): Uint8Array {
  const isDead = new Uint8Array(dfa.classes).fill(1);
  for (let i = 0; i < dfa.next.length; i++) if (dfa.next[i]! >= 0) isDead[i % dfa.classes] = 0;
  return isDead;
}
