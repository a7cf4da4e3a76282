/** How far one model's logits are from another's, summed over rows. */
export interface Divergence {
  readonly rows: number;
  /** Sum over rows of KL(reference || other) in nats. */
  readonly kl: number;
  /** Rows whose best token differs. */
  readonly flips: number;
}

/**
 * Compares rows of logits in float64. Tokens of -Infinity in the reference have no probability and do not count.
 *
 * @param reference `[rows, vocab]`, as is `other`
 */
export function divergenceOf(
  reference: ArrayLike<number>,
  other: ArrayLike<number>,
  vocab: number,
): Divergence {
  const rows = reference.length / vocab;
  let kl = 0;
  let flips = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * vocab;
    const p = normaliser(reference, start, vocab);
    const q = normaliser(other, start, vocab);
    if (p.best !== q.best) flips += 1;
    for (let at = start; at < start + vocab; at++) {
      const logP = reference[at]! - p.lse;
      if (logP > Number.NEGATIVE_INFINITY) kl += Math.exp(logP) * (logP - (other[at]! - q.lse));
    }
  }
  return { rows, kl, flips };
}

function normaliser(logits: ArrayLike<number>, start: number, vocab: number): { lse: number; best: number } {
  let best = start;
  for (let at = start + 1; at < start + vocab; at++) if (logits[at]! > logits[best]!) best = at;
  let sum = 0;
  for (let at = start; at < start + vocab; at++) sum += Math.exp(logits[at]! - logits[best]!);
  return { lse: logits[best]! + Math.log(sum), best: best - start };
}
