/** Names of a bundle's variants: q4f16 is q4 with activations of f16, f16 is f16 throughout. */

/** Whether a variant computes in f16. */
export function isHalf(variant: string): boolean {
  return variant.endsWith("f16");
}

/** The variant whose weights these are; what was fitted to those fits. */
export function weightsOf(variant: string): string {
  return /^(q[48])f16$/.exec(variant)?.[1] ?? variant;
}
