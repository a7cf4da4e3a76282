import { UnmaskError } from "../core/errors.ts";
import { fromHalf } from "../math/half.ts";
import type { DerivePlan } from "./manifest.ts";

/**
 * The int8 weights of the WASM backend, derived at load from the block-quantised file of the bundle: one scale an output
 * channel, weights transposed to `[k, n]` as the matrix product wants them. Pure and deterministic.
 */

const BLOCK = 32;
/** Rows handled together, so that transposed writes fill whole cache lines. */
const TILE = 64;
const ROUNDER = 6_755_399_441_055_744;

type MatrixPlan = DerivePlan["matrices"][number];

/**
 * @param source the data file named by `from`
 * @returns the data file of the derived variant, `plan.bytes` long
 * @throws UnmaskError `manifest-invalid` when the plan reaches outside either file
 */
export function deriveInt8(source: Uint8Array, plan: DerivePlan): Uint8Array<ArrayBuffer> {
  checkPlan(source, plan);
  const out = new Uint8Array(plan.bytes);
  for (const { from, to, bytes } of plan.copies) out.set(source.subarray(from, from + bytes), to);
  for (const matrix of plan.matrices) deriveMatrix(source, matrix, out);
  return out;
}

function deriveMatrix(source: Uint8Array, matrix: MatrixPlan, out: Uint8Array<ArrayBuffer>): void {
  const { n, k, bits } = matrix;
  const blocks = k / BLOCK;
  const scales = readScales(source, matrix);
  const channels = new Float32Array(n);
  const weights = new Int8Array(out.buffer, matrix.weights, n * k);
  const tile = new Int8Array(TILE * k);
  const zeros = new Uint8Array(blocks);
  const rowBytes = (k * bits) / 8;
  for (let first = 0; first < n; first += TILE) {
    const rows = Math.min(TILE, n - first);
    for (let r = 0; r < rows; r++) {
      const from = matrix.packed + (first + r) * rowBytes;
      const at = (first + r) * blocks;
      readZeros(source, matrix, first + r, zeros);
      // An empty row gets the scale 1 and zeros.
      const largest = largestOf(source, from, matrix, scales, at, zeros) || 127;
      requantizeRow(source, from, matrix, scales, at, zeros, largest, tile, r * k);
      channels[first + r] = largest / 127;
    }
    for (let col = 0; col < k; col++) {
      const to = col * n + first;
      for (let r = 0; r < rows; r++) weights[to + r] = tile[r * k + col]!;
    }
  }
  // The offset need not be a multiple of four in memory, so bytes are copied.
  out.set(new Uint8Array(channels.buffer), matrix.channelScales);
}

/** Block scales `[n * k / 32]` as f32. */
function readScales(source: Uint8Array, { n, k, scales, scaleType }: MatrixPlan): Float32Array {
  const count = (n * k) / BLOCK;
  const bytes = source.slice(scales, scales + count * (scaleType === "f16" ? 2 : 4));
  return scaleType === "f16" ? fromHalf(new Uint16Array(bytes.buffer)) : new Float32Array(bytes.buffer);
}

/** Zero points of a row's blocks; the middle code where there are none. */
function readZeros(source: Uint8Array, { zeros, bits }: MatrixPlan, row: number, out: Uint8Array): void {
  if (zeros === undefined) {
    out.fill(bits === 8 ? 128 : 8);
    return;
  }
  const from = zeros + row * Math.ceil(out.length / 2);
  for (let block = 0; block < out.length; block++) {
    out[block] = (source[from + (block >> 1)]! >> (4 * (block & 1))) & 15;
  }
}

/** Largest magnitude of a dequantised row. */
function largestOf(
  packed: Uint8Array,
  from: number,
  { k, bits }: MatrixPlan,
  scales: Float32Array,
  at: number,
  zeros: Uint8Array,
): number {
  const blockBytes = (BLOCK * bits) / 8;
  let largest = 0;
  for (let block = 0; block * BLOCK < k; block++) {
    let peak = 0;
    const zero = zeros[block]!;
    const end = from + (block + 1) * blockBytes;
    for (let i = end - blockBytes; i < end; i++) {
      const code = packed[i]!;
      const size =
        bits === 8
          ? Math.abs(code - zero)
          : Math.max(Math.abs((code & 15) - zero), Math.abs((code >> 4) - zero));
      if (size > peak) peak = size;
    }
    const size = peak * scales[at + block]!;
    if (size > largest) largest = size;
  }
  return largest;
}

/** Codes of one row in -127..127 to `codes[to..]`, rounded to even by the 1.5 * 2^52 trick. */
function requantizeRow(
  packed: Uint8Array,
  from: number,
  { k, bits }: MatrixPlan,
  scales: Float32Array,
  at: number,
  zeros: Uint8Array,
  largest: number,
  codes: Int8Array,
  to: number,
): void {
  const inverse = 127 / largest;
  // A block of 4-bit codes has 16 values: they are rounded once and looked up.
  const values = new Int8Array(16);
  for (let block = 0; block * BLOCK < k; block++) {
    const scale = scales[at + block]!;
    const zero = zeros[block]!;
    const start = block * BLOCK;
    if (bits === 8) {
      for (let i = start; i < start + BLOCK; i++) {
        codes[to + i] = Math.fround((packed[from + i]! - zero) * scale) * inverse + ROUNDER - ROUNDER;
      }
      continue;
    }
    for (let code = 0; code < 16; code++) {
      values[code] = Math.fround((code - zero) * scale) * inverse + ROUNDER - ROUNDER;
    }
    for (let i = 0; i < BLOCK / 2; i++) {
      const pair = packed[from + (start >> 1) + i]!;
      codes[to + start + 2 * i] = values[pair & 15]!;
      codes[to + start + 2 * i + 1] = values[pair >> 4]!;
    }
  }
}

function checkPlan(source: Uint8Array, plan: DerivePlan): void {
  const within = (offset: number, bytes: number, size: number) => offset + bytes <= size;
  const fits =
    plan.copies.every(
      ({ from, to, bytes }) => within(from, bytes, source.byteLength) && within(to, bytes, plan.bytes),
    ) &&
    plan.matrices.every(
      ({ n, k, bits, packed, scales, scaleType, zeros, weights, channelScales }) =>
        k % BLOCK === 0 &&
        (zeros === undefined ||
          (bits === 4 && within(zeros, n * Math.ceil(k / BLOCK / 2), source.byteLength))) &&
        within(packed, (n * k * bits) / 8, source.byteLength) &&
        within(scales, ((n * k) / BLOCK) * (scaleType === "f16" ? 2 : 4), source.byteLength) &&
        within(weights, n * k, plan.bytes) &&
        within(channelScales, 4 * n, plan.bytes),
    );
  if (!fits)
    throw new UnmaskError("manifest-invalid", "unmask.json derives int8 weights from outside the data file.");
}
