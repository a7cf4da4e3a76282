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
  // Children hang in sibling chains, tokens of a node in a chain by id.
  const firstChild = [-1];
  const sibling = [-1];
  const classOfNode = [0];
  const firstToken = [-1];
  const nextToken = new Int32Array(tokens.length).fill(-1);

  // From the last id down: chains of tokens then ascend.
  for (let id = tokens.length - 1; id >= 0; id--) {
    const bytes = tokens[id]!;
    if (bytes.length === 0 || skipped.has(id)) continue;
    if (bytes.some((byte) => isDead[dfa.classOf[byte]!] === 1)) continue;
    let node = 0;
    for (const byte of bytes) {
      const c = dfa.classOf[byte]!;
      let child = firstChild[node]!;
      while (child !== -1 && classOfNode[child] !== c) child = sibling[child]!;
      if (child === -1) {
        child = classOfNode.push(c) - 1;
        sibling.push(firstChild[node]!);
        firstChild.push(-1);
        firstToken.push(-1);
        firstChild[node] = child;
      }
      node = child;
    }
    nextToken[id] = firstToken[node]!;
    firstToken[node] = id;
  }
  return inPreorder({ firstChild, sibling, classOfNode, firstToken, nextToken });
}

interface LinkedTrie {
  readonly firstChild: readonly number[];
  readonly sibling: readonly number[];
  readonly classOfNode: readonly number[];
  readonly firstToken: readonly number[];
  readonly nextToken: Int32Array;
}

function inPreorder({ firstChild, sibling, classOfNode, firstToken, nextToken }: LinkedTrie): TokenTrie {
  const nodes = classOfNode.length;
  const classes = new Uint8Array(nodes);
  const depths = new Int32Array(nodes);
  const skip = new Int32Array(nodes);
  const begin = new Int32Array(nodes + 1);
  const ids: number[] = [];
  /** Numbers of the nodes on the way to the one at hand. */
  const path: number[] = [];
  const open: { node: number; depth: number }[] = [{ node: 0, depth: 0 }];
  let at = 0;
  let maxDepth = 0;
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    const { node, depth } = top;
    while (path.length > depth) skip[path.pop()!] = at;
    path.push(at);
    classes[at] = classOfNode[node]!;
    depths[at] = depth;
    begin[at] = ids.length;
    maxDepth = Math.max(maxDepth, depth);
    for (let id = firstToken[node]!; id !== -1; id = nextToken[id]!) ids.push(id);
    for (let child = firstChild[node]!; child !== -1; child = sibling[child]!) {
      open.push({ node: child, depth: depth + 1 });
    }
    at++;
  }
  for (const node of path) skip[node] = nodes;
  begin[nodes] = ids.length;
  return { nodes, maxDepth, classes, depths, skip, begin, ids: Int32Array.from(ids) };
}

/** Classes with which no state goes on. */
function deadClasses(dfa: ByteDfa): Uint8Array {
  const isDead = new Uint8Array(dfa.classes).fill(1);
  for (let i = 0; i < dfa.next.length; i++) if (dfa.next[i]! >= 0) isDead[i % dfa.classes] = 0;
  return isDead;
}
