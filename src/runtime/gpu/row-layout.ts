// What the row kernel leaves of a row, word by word: row-kernel.ts writes it, row-result.ts reads it.

/** Sampling candidates a row; more than four within rounding of each other do not happen. */
export const CANDIDATES = 4;
/**
 * Words before the lists, where `d = l - max` and T is the temperature of the noise, 1 without. Tempered sums are those
 * over the tokens that compete.
 */
export const HEAD = {
  /** `sum exp d` */
  sum: 0,
  /** `sum d exp d` */
  mean: 1,
  /** `sum exp(d / T)` */
  temperedSum: 2,
  /** `sum (d / T) exp(d / T)` */
  temperedMean: 3,
  /** Logit of the token that stands in the cell. */
  current: 4,
  /** KL divergence to the distribution before, undefined for a fresh slot. */
  divergence: 5,
  /** Tokens that survive top-k and top-p, or a word of nucleus-kernel.ts. */
  kept: 6,
} as const;
export const HEAD_WORDS = 7;
/** Stands for -Infinity, which WGSL does not have. */
export const LOWEST: number = -3.4e38;
/** Stands for "no more ids with a finite logit". */
export const NO_ID = 0xffffffff;

/** How much of everything a row's words hold. */
export interface RowLayout {
  readonly candidates: number;
  /** Best ids that are asked for. */
  readonly width: number;
  readonly probes: number;
  readonly gather: number;
  /** The branches of guidance are compared. */
  readonly agrees: boolean;
}

/** Words of a compared row: the inner product of the centred branches, and their squares. */
export const AGREEMENT_WORDS = 3;

/** Words of one row: head, candidates, best ids (id and logit each), probes, gathered logits, agreement. */
export function strideOf({ candidates, width, probes, gather, agrees }: RowLayout): number {
  return HEAD_WORDS + 2 * candidates + 2 * width + probes + gather + (agrees ? AGREEMENT_WORDS : 0);
}

/** Words before the lists of probes and gathered ids: four for each row. */
export const ROW_LISTS = 4;
