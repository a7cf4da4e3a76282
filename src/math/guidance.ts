import type { ForwardRequest } from "../core/types.ts";

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

/**
 * Mean over rows of the cosine between conditional and unconditional logits, each row less its own mean, so that a common
 * shift says nothing (Adaptive Guidance, arXiv 2312.12487, compares the two branches of an image model alike). Entries
 * that are not finite in both are left out; a row without any two different logits counts as agreeing.
 *
 * @param conditional `[R, vocab]`
 * @param unconditional `[R, vocab]`
 */
function meanCosine(conditional: Float32Array, unconditional: Float32Array, vocab: number): number {
  const rows = conditional.length / vocab;
  let sum = 0;
  for (let r = 0; r < rows; r++) sum += cosine(conditional, unconditional, r * vocab, (r + 1) * vocab);
  return rows === 0 ? 1 : sum / rows;
}

function cosine(c: Float32Array, u: Float32Array, from: number, to: number): number {
  let n = 0;
  let [sumC, sumU, dot, squareC, squareU] = [0, 0, 0, 0, 0];
  for (let i = from; i < to; i++) {
    const [a, b] = [c[i]!, u[i]!];
    if (!Number.isFinite(a) || !Number.isFinite(b)) continue;
    n++;
    sumC += a;
    sumU += b;
    dot += a * b;
    squareC += a * a;
    squareU += b * b;
  }
  const spread = (squareC - (sumC * sumC) / n) * (squareU - (sumU * sumU) / n);
  return spread > 0 ? (dot - (sumC * sumU) / n) / Math.sqrt(spread) : 1;
}

/** Combines the branches of guided forwards; remembers unconditional logits where it is told to. */
export interface Guide {
  /**
   * @param conditional `[R, vocab]`, in the order of `request.rows`; receives the guided logits
   * @param unconditional `[R, vocab]` of a `cfg` request
   * @returns the agreement of the branches, when it was asked for
   */
  apply(
    conditional: Float32Array,
    unconditional: Float32Array | undefined,
    request: Pick<ForwardRequest, "rows" | "guidance">,
  ): number | undefined;
}

/** A guide holds one row of the vocabulary for each canvas row it was told to keep. */
export function createGuide(vocab: number): Guide {
  /** By canvas row, of the last forward that was to be kept: who asks for more after rows have moved keeps anew. */
  let kept = new Map<number, Float32Array>();
  return {
    apply(conditional, unconditional, { rows, guidance }) {
      if (guidance.kind === "none") return undefined;
      if (guidance.kind === "residual") {
        for (const [r, row] of rows.entries()) {
          const before = kept.get(row)?.map((logit) => guidance.decay * logit);
          const now = conditional.subarray(r * vocab, (r + 1) * vocab);
          if (before !== undefined) applyGuidance(now, before, guidance.scale);
        }
        return undefined;
      }
      const other = unconditional!; // a cfg request has two canvases
      if (guidance.store === true) {
        kept = new Map();
        for (const [r, row] of rows.entries()) kept.set(row, other.slice(r * vocab, (r + 1) * vocab));
      }
      const agreement = guidance.agreement === true ? meanCosine(conditional, other, vocab) : undefined;
      applyGuidance(conditional, other, guidance.scale);
      return agreement;
    },
  };
}
