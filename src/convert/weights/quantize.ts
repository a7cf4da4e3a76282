import { fromHalf, toHalf } from "../../math/half.ts";

/**
 * Symmetric block quantisation in the layout of MatMulNBits and GatherBlockQuantized: blocks of 32 along K, positive
 * scales, no zero points (the code 2^(bits-1) is zero).
 */

export const BLOCK = 32;

export type Bits = 4 | 8;
export type ScaleType = "f32" | "f16";

/** `nearest` is the reference recipe, bit for bit; `search` picks the scale of least squared error (shipping). */
export type Recipe = "nearest" | "search";

export interface Quantized {
  /** `[n, ceil(k / 32), 32 * bits / 8]`; 4 bits: element 2j in the low nibble. */
  readonly packed: Uint8Array<ArrayBuffer>;
  /** `[n, ceil(k / 32)]`; values of f16 precision when the scale type is f16. */
  readonly scales: Float32Array<ArrayBuffer>;
  /** Scales that f16 could not hold and that were cut to its largest value. */
  readonly clamped: number;
}

export const CLIP_RATIOS = Array.from({ length: 24 }, (_, i) => 0.6 + (0.5 * i) / 23);
const MAX_HALF = 65_504;
/** Adding and subtracting 1.5 * 2^52 rounds a small double to an integer, several times faster than Math.round. */
export const ROUNDER = 6_755_399_441_055_744;

/** Quantises `weights`, `[n, k]` row-major. K is padded with zeros to whole blocks. */
export function quantize(
  weights: Float32Array,
  n: number,
  k: number,
  bits: Bits,
  scaleType: ScaleType,
  recipe: Recipe,
): Quantized {
  const blocks = Math.ceil(k / BLOCK);
  const scales = new Float32Array(n * blocks);
  // At 8 bits the search gains nothing visible (45 dB either way).
  const pick = recipe === "search" && bits === 4 ? searchScale : nearestScale;
  for (let row = 0; row < n; row++) {
    for (let block = 0; block < blocks; block++) {
      const start = row * k + block * BLOCK;
      scales[row * blocks + block] = pick(weights, start, Math.min(start + BLOCK, (row + 1) * k), bits);
    }
  }
  const { rounded, clamped } = roundScales(scales, scaleType);
  return { packed: pack(weights, n, k, bits, rounded), scales: rounded, clamped };
}

/**
 * The weights `[n, k]` that packed ones stand for.
 *
 * @param zeros zero points of blocks of 4 bits; without them the middle code is zero
 */
export function dequantize(
  {
    packed,
    scales,
    zeros,
  }: Pick<Quantized, "packed" | "scales"> & { readonly zeros?: Uint8Array | undefined },
  n: number,
  k: number,
  bits: Bits,
): Float32Array {
  const blocks = Math.ceil(k / BLOCK);
  const rowBytes = (blocks * BLOCK * bits) / 8;
  const zeroBytes = Math.ceil(blocks / 2);
  const weights = new Float32Array(n * k);
  for (let row = 0; row < n; row++) {
    for (let col = 0; col < k; col++) {
      const byte = packed[row * rowBytes + (bits === 8 ? col : col >> 1)]!;
      const block = col >> 5;
      const zero =
        zeros === undefined ? 8 : (zeros[row * zeroBytes + (block >> 1)]! >> (4 * (block & 1))) & 15;
      const code = bits === 8 ? byte - 128 : ((byte >> (4 * (col & 1))) & 15) - zero;
      weights[row * k + col] = code * scales[row * blocks + (col >> 5)]!;
    }
  }
  return weights;
}

/** `2 max|w| / (2^bits - 1)` in f32 arithmetic: every division is rounded, or ties at the largest element flip. */
function nearestScale(weights: Float32Array, start: number, end: number, bits: Bits): number {
  let largest = 0;
  for (let i = start; i < end; i++) largest = Math.max(largest, Math.abs(weights[i]!));
  return Math.fround(Math.fround(2 * largest) / (2 ** bits - 1));
}

/** The best of 24 clip ratios, each with its least-squares scale. */
function searchScale(weights: Float32Array, start: number, end: number, bits: Bits): number {
  const base = nearestScale(weights, start, end, bits);
  const low = -(2 ** (bits - 1));
  const high = -low - 1;
  let best = base;
  // With q fixed the best scale is wq / qq and the squared error is ww - wq^2 / qq: the gain is all that matters.
  let bestGain = Number.NEGATIVE_INFINITY;
  for (const ratio of CLIP_RATIOS) {
    const inverse = 1 / (base * ratio);
    let wq = 0;
    let qq = 0;
    for (let i = start; i < end; i++) {
      const w = weights[i]!;
      const nearest = w * inverse + ROUNDER - ROUNDER;
      const q = nearest > high ? high : Math.max(low, nearest);
      wq += w * q;
      qq += q * q;
    }
    const gain = (wq * wq) / qq;
    if (wq > 0 && gain > bestGain) {
      bestGain = gain;
      best = wq / qq;
    }
  }
  return best;
}

/** Rounds to the stored precision; a scale of zero (empty block, f16 underflow) becomes 1. */
export function roundScales(scales: Float32Array<ArrayBuffer>, type: ScaleType) {
  let clamped = 0;
  if (type === "f16") {
    for (let i = 0; i < scales.length; i++) {
      if (scales[i]! > MAX_HALF) {
        scales[i] = MAX_HALF;
        clamped++;
      }
    }
  }
  const rounded = type === "f16" ? fromHalf(toHalf(scales)) : scales;
  for (let i = 0; i < rounded.length; i++) if (rounded[i] === 0) rounded[i] = 1;
  return { rounded, clamped };
}

function pack(weights: Float32Array, n: number, k: number, bits: Bits, scales: Float32Array) {
  const blocks = Math.ceil(k / BLOCK);
  const zero = 2 ** (bits - 1);
  const top = 2 ** bits - 1;
  const perByte = 8 / bits;
  const rowBytes = (blocks * BLOCK) / perByte;
  // The code of zero in every lane, which is also what pads a short last block.
  const packed = new Uint8Array(n * rowBytes).fill(bits === 4 ? 0x88 : 0x80);
  for (let row = 0; row < n; row++) {
    for (let col = 0; col < k; col++) {
      const scale = scales[row * blocks + (col >> 5)]!;
      const q = roundHalfEven(Math.fround(weights[row * k + col]! / scale)) + zero;
      const code = Math.min(top, Math.max(0, q));
      if (bits === 8) packed[row * rowBytes + col] = code;
      else {
        const at = row * rowBytes + (col >> 1);
        packed[at] = (col & 1) === 0 ? (packed[at]! & 0xf0) | code : (packed[at]! & 0x0f) | (code << 4);
      }
    }
  }
  return packed;
}

/** To the nearest integer, ties to even, of numbers far below 2^51; larger ones stay large. */
export function roundHalfEven(value: number): number {
  return value + ROUNDER - ROUNDER;
}
