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
  const row = new Float32Array(k);
  const rowBytes = (k * bits) / 8;
  for (let first = 0; first < n; first += TILE) {
    const rows = Math.min(TILE, n - first);
    for (let r = 0; r < rows; r++) {
      const from = matrix.packed + (first + r) * rowBytes;
      // An empty row gets the scale 1 and zeros.
      const largest = unpackRow(source, from, bits, scales, (first + r) * blocks, row) || 127;
      quantizeRow(row, largest, tile, r * k);
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

/** Dequantises one row into `row` and returns its largest magnitude. */
function unpackRow(
  packed: Uint8Array,
  from: number,
  bits: 4 | 8,
  scales: Float32Array,
  at: number,
  row: Float32Array,
) {
  let largest = 0;
  for (let block = 0; block * BLOCK < row.length; block++) {
    const scale = scales[at + block]!;
    const start = block * BLOCK;
    let peak = 0;
    for (let i = 0; i < BLOCK; i++) {
      const code =
        bits === 8
          ? packed[from + start + i]! - 128
          : ((packed[from + ((start + i) >> 1)]! >> ((i & 1) << 2)) & 15) - 8;
      row[start + i] = code * scale;
      const size = code < 0 ? -code : code;
      if (size > peak) peak = size;
    }
    if (peak * scale > largest) largest = peak * scale;
  }
  return largest;
}

/** Codes in -127..127 to `codes[at..]`; rounding by the 1.5 * 2^52 trick, to even. */
function quantizeRow(row: Float32Array, largest: number, codes: Int8Array, at: number): void {
  const inverse = 127 / largest;
  for (let i = 0; i < row.length; i++) codes[at + i] = row[i]! * inverse + ROUNDER - ROUNDER;
}

function checkPlan(source: Uint8Array, plan: DerivePlan): void {
  const within = (offset: number, bytes: number, size: number) => offset + bytes <= size;
  const fits =
    plan.copies.every(
      ({ from, to, bytes }) => within(from, bytes, source.byteLength) && within(to, bytes, plan.bytes),
    ) &&
    plan.matrices.every(
      ({ n, k, bits, packed, scales, scaleType, weights, channelScales }) =>
        k % BLOCK === 0 &&
        within(packed, (n * k * bits) / 8, source.byteLength) &&
        within(scales, ((n * k) / BLOCK) * (scaleType === "f16" ? 2 : 4), source.byteLength) &&
        within(weights, n * k, plan.bytes) &&
        within(channelScales, 4 * n, plan.bytes),
    );
  if (!fits)
    throw new UnmaskError("manifest-invalid", "unmask.json derives int8 weights from outside the data file.");
}
