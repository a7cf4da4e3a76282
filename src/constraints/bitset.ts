/** Sets of small integers, 32 a word. All sets given to one function have the same length; the caller owns them. */
export type Bitset = Uint32Array;

/** Words needed for members below `size`. */
export function wordsFor(size: number): number {
  return (size + 31) >>> 5;
}

export function hasBit(set: Bitset, member: number): boolean {
  return ((set[member >>> 5]! >>> (member & 31)) & 1) === 1;
}

export function addBit(set: Bitset, member: number): void {
  set[member >>> 5]! |= 1 << (member & 31);
}

/** `into` becomes its union with `set`. */
export function unite(into: Bitset, set: Bitset): void {
  for (let word = 0; word < into.length; word++) into[word]! |= set[word]!;
}

/** `into` keeps what is also in `set`. */
export function keepOnly(into: Bitset, set: Bitset): void {
  for (let word = 0; word < into.length; word++) into[word]! &= set[word]!;
}

export function overlaps(a: Bitset, b: Bitset): boolean {
  for (let word = 0; word < a.length; word++) if ((a[word]! & b[word]!) !== 0) return true;
  return false;
}

export function isEqual(a: Bitset, b: Bitset): boolean {
  for (let word = 0; word < a.length; word++) if (a[word] !== b[word]) return false;
  return true;
}

/** Ascending. */
export function membersOf(set: Bitset): number[] {
  const members: number[] = [];
  for (let word = 0; word < set.length; word++) {
    for (let rest = set[word]!; rest !== 0; rest &= rest - 1) {
      members.push(word * 32 + 31 - Math.clz32(rest & -rest));
    }
  }
  return members;
}
