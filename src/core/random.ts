/**
 * Counter-based randomness: every number is a pure function of its counters (seed, step, row, id), so the same seed
 * gives the same text whatever the device, the order of evaluation or the batch.
 *
 * The generator is MurmurHash3_x86_32 over the counter words (public domain, Austin Appleby), which uses only 32-bit
 * integer operations and therefore runs bit-exactly in a WGSL kernel too.
 */

/** MurmurHash3_x86_32 of `words` taken as u32, in `[0, 2^32)`. */
export function hashWords(seed: number, words: ArrayLike<number>): number {
  let h = seed | 0;
  for (let i = 0; i < words.length; i++) h = mix(h, words[i]!);
  return finish(h, 4 * words.length);
}

/** {@link hashWords} of exactly three words, without an array. */
export function hash3(seed: number, a: number, b: number, c: number): number {
  return finish(mix(mix(mix(seed | 0, a), b), c), 12);
}

function mix(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  const x = h ^ Math.imul(k, 0x1b873593);
  return (Math.imul((x << 13) | (x >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(state: number, bytes: number): number {
  let h = state ^ bytes;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Uniform in the open interval (0, 1), exact in float32: 23 bits and a half leave no rounding, so never 0 or 1. */
export function uniform(seed: number, step: number, row: number, id: number): number {
  return ((hash3(seed, step, row, id) >>> 9) + 0.5) / 8_388_608;
}

/** Standard Gumbel noise for one token of one row, rounded to float32 so that the GPU kernel can agree. */
export function gumbel(seed: number, step: number, row: number, id: number): number {
  return Math.fround(-Math.log(-Math.log(uniform(seed, step, row, id))));
}
