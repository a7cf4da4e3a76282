import {
  BLOCK,
  CLIP_RATIOS,
  type Quantized,
  ROUNDER,
  roundHalfEven,
  roundScales,
  type ScaleType,
} from "./quantize.ts";

/**
 * 4-bit blocks with a zero point each, in the layout of MatMulNBits: `w = (code - zero) * scale`. A block whose values lie
 * to one side of zero uses all 16 codes.
 */

const TOP = 15;
/** Code and zero point of an empty block. */
const MIDDLE = 8;

export interface AsymmetricQuantized extends Quantized {
  /** `[n, ceil(ceil(k / 32) / 2)]`: a nibble a block, the first in the low one; an odd last one is filled up with 8. */
  readonly zeros: Uint8Array<ArrayBuffer>;
}

/** Bytes of the zero points of a row. */
export function zeroBytes(k: number): number {
  return Math.ceil(Math.ceil(k / BLOCK) / 2);
}

/**
 * Quantises `weights`, `[n, k]` row-major, to 4 bits; K is padded to whole blocks with codes that stand for zero. Scale and
 * zero point of a block are those of least squared error among 24 clip ratios and the two nearest zero points.
 */
export function quantizeAsymmetric(
  weights: Float32Array,
  n: number,
  k: number,
  scaleType: ScaleType,
): AsymmetricQuantized {
  const blocks = Math.ceil(k / BLOCK);
  const scales = new Float32Array(n * blocks);
  const points = new Uint8Array(n * blocks);
  for (let row = 0; row < n; row++) {
    for (let block = 0; block < blocks; block++) {
      const start = row * k + block * BLOCK;
      const found = search(weights, start, Math.min(start + BLOCK, (row + 1) * k));
      scales[row * blocks + block] = found.scale;
      points[row * blocks + block] = found.zero;
    }
  }
  const { rounded, clamped } = roundScales(scales, scaleType);
  const packed = new Uint8Array((n * blocks * BLOCK) / 2);
  const zeros = new Uint8Array(n * zeroBytes(k)).fill(MIDDLE * 17);
  for (let row = 0; row < n; row++) {
    for (let block = 0; block < blocks; block++) {
      const zero = points[row * blocks + block]!;
      const scale = rounded[row * blocks + block]!;
      setNibble(zeros, row * zeroBytes(k) * 2 + block, zero);
      for (let i = 0; i < BLOCK; i++) {
        const col = block * BLOCK + i;
        const value = col < k ? weights[row * k + col]! : 0;
        const code = roundHalfEven(Math.fround(value / scale)) + zero;
        setNibble(packed, (row * blocks + block) * BLOCK + i, Math.min(TOP, Math.max(0, code)));
      }
    }
  }
  return { packed, scales: rounded, zeros, clamped };
}

function search(weights: Float32Array, start: number, end: number): { scale: number; zero: number } {
  let low = 0;
  let high = 0;
  for (let i = start; i < end; i++) {
    low = Math.min(low, weights[i]!);
    high = Math.max(high, weights[i]!);
  }
  const base = (high - low) / TOP;
  let best = { scale: base, zero: MIDDLE };
  if (base === 0) return best;
  // With the codes fixed the best scale is wc / cc and the squared error is ww - wc^2 / cc: the gain is all that matters.
  let bestGain = Number.NEGATIVE_INFINITY;
  const exact = -low / base;
  for (const zero of new Set([Math.floor(exact), Math.min(TOP, Math.ceil(exact))])) {
    for (const ratio of CLIP_RATIOS) {
      const inverse = 1 / (base * ratio);
      let wc = 0;
      let cc = 0;
      for (let i = start; i < end; i++) {
        const w = weights[i]!;
        const code = w * inverse + ROUNDER - ROUNDER;
        const c = code > TOP - zero ? TOP - zero : Math.max(-zero, code);
        wc += w * c;
        cc += c * c;
      }
      const gain = (wc * wc) / cc;
      if (wc > 0 && gain > bestGain) {
        bestGain = gain;
        best = { scale: wc / cc, zero };
      }
    }
  }
  return best;
}

function setNibble(bytes: Uint8Array, at: number, value: number): void {
  const byte = bytes[at >> 1]!;
  bytes[at >> 1] = (at & 1) === 0 ? (byte & 0xf0) | value : (byte & 0x0f) | (value << 4);
}
