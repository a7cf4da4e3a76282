import { UnmaskError } from "../core/errors.ts";

/** Nats from one value of a byte to the next. */
const STEP = 1 / 16;

/**
 * Token frequencies as a bundle holds them: one byte a token in hexadecimal, `exp((byte - 255) / 16)` up to a common factor,
 * 0 for a token that was never seen.
 *
 * @returns `[vocab]`, sums to 1
 * @throws UnmaskError `manifest-invalid` when the length does not fit the vocabulary
 */
export function parseFrequency(hex: string, vocab: number): Float64Array {
  if (hex.length !== 2 * vocab || !/^[0-9a-f]*$/.test(hex)) {
    throw new UnmaskError("manifest-invalid", "The bundle's token frequencies do not fit its vocabulary.");
  }
  const weights = Float64Array.from({ length: vocab }, (_, id) => {
    const byte = Number.parseInt(hex.slice(2 * id, 2 * id + 2), 16);
    return byte === 0 ? 0 : Math.exp((byte - 255) * STEP);
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return total === 0 ? weights : weights.map((weight) => weight / total);
}
