/**
 * Classifier-free guidance on logits, `u + (scale + 1) * (c - u)`, each operation rounded to float32 (LLaDA).
 *
 * @param conditional `[n]`; receives the result
 * @param unconditional `[n]`, unchanged
 * @param scale 0 gives the conditional logits, -1 the unconditional ones
 */
export function applyGuidance(conditional: Float32Array, unconditional: Float32Array, scale: number): void {
  const weight = Math.fround(scale + 1);
  for (let i = 0; i < conditional.length; i++) {
    const u = unconditional[i]!;
    conditional[i] = u + Math.fround(weight * Math.fround(conditional[i]! - u));
  }
}
