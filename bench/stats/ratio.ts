/** A sum over a sum, as of nats over tokens, with how far it would vary with other documents. */
export interface Ratio {
  readonly value: number;
  /** Standard error over documents (Cochran, Sampling techniques, 6.4); NaN for fewer than two. */
  readonly error: number;
}

/** @param parts numerator and denominator of each document */
export function ratioOf(parts: readonly (readonly [number, number])[]): Ratio {
  const below = parts.reduce((sum, [, denominator]) => sum + denominator, 0);
  const value = parts.reduce((sum, [numerator]) => sum + numerator, 0) / below;
  const squares = parts.reduce((sum, [a, b]) => sum + (a - value * b) ** 2, 0);
  const n = parts.length;
  return { value, error: n < 2 ? Number.NaN : Math.sqrt((n / (n - 1)) * squares) / below };
}
