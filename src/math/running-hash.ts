/**
 * SHA-256 (FIPS 180-4) of bytes that arrive in parts. WebCrypto takes its input whole, and a data file may have a
 * gigabyte. The state can be copied, so the hash of every prefix is at hand.
 */
export interface RunningHash {
  update(bytes: Uint8Array): void;
  copy(): RunningHash;
  /** Lower-case hex of everything so far; more may follow. */
  digest(): string;
}

const BLOCK_BYTES = 64;

export function runningSha256(): RunningHash {
  return resume(Int32Array.from(INITIAL), new Uint8Array(BLOCK_BYTES), 0);
}

/** @param bytes how many were taken in; the rest that fills no block stands at the beginning of `pending` */
function resume(state: Int32Array, pending: Uint8Array, bytes: number): RunningHash {
  let total = bytes;
  const schedule = new Int32Array(64);
  return {
    update(part) {
      let at = 0;
      const held = total % BLOCK_BYTES;
      total += part.length;
      if (held > 0) {
        at = Math.min(BLOCK_BYTES - held, part.length);
        pending.set(part.subarray(0, at), held);
        if (held + at < BLOCK_BYTES) return;
        compress(state, schedule, pending, 0);
      }
      for (; at + BLOCK_BYTES <= part.length; at += BLOCK_BYTES) compress(state, schedule, part, at);
      pending.set(part.subarray(at));
    },
    copy: () => resume(state.slice(), pending.slice(), total),
    digest() {
      const held = total % BLOCK_BYTES;
      const tail = new Uint8Array(held < 56 ? BLOCK_BYTES : 2 * BLOCK_BYTES);
      tail.set(pending.subarray(0, held));
      tail[held] = 0x80;
      new DataView(tail.buffer).setBigUint64(tail.length - 8, BigInt(total) * 8n);
      const last = state.slice();
      for (let at = 0; at < tail.length; at += BLOCK_BYTES) compress(last, schedule, tail, at);
      return Array.from(last, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
    },
  };
}

function compress(state: Int32Array, w: Int32Array, bytes: Uint8Array, at: number): void {
  for (let i = 0; i < 16; i++) {
    const from = at + 4 * i;
    w[i] = (bytes[from]! << 24) | (bytes[from + 1]! << 16) | (bytes[from + 2]! << 8) | bytes[from + 3]!;
  }
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15]!;
    const y = w[i - 2]!;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0;
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  let f = state[5]!;
  let g = state[6]!;
  let h = state[7]!;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const first = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i]! + w[i]!) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  state[0] = state[0]! + a;
  state[1] = state[1]! + b;
  state[2] = state[2]! + c;
  state[3] = state[3]! + d;
  state[4] = state[4]! + e;
  state[5] = state[5]! + f;
  state[6] = state[6]! + g;
  state[7] = state[7]! + h;
}

// The tables: the first 32 bits of the fractions of the square roots of the first 8 primes and of the cube roots of the first 64.
const INITIAL: readonly number[] = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];
// biome-ignore format: a table
const ROUND: Int32Array = /* @__PURE__ */ Int32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
);
