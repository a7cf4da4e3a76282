/**
 * Counters that stand in for a token id or a row where a random number is not noise of a token: a stream for each choice
 * that is drawn, so that no two share a number (see random.ts). No vocabulary and no canvas reaches them.
 */
export const RANDOM_STREAMS = {
  /** One number a row: random order, drawn order. */
  rows: 0xffff_ffff,
  /** Sizes of the groups that ancestral sampling reveals. */
  reveal: 0xffff_fffd,
  /** Masks that ReMDM writes, and tokens that it takes back. */
  write: 0xffff_fffc,
  remask: 0xffff_fffb,
  /** Cells that zero-order search writes anew. */
  doubt: 0xffff_fffa,
  /** Seeds of the ways in which a path goes on, and which ways are kept. */
  way: 0xffff_fff9,
  choice: 0xffff_fff8,
  /** Seeds of the texts of a search. */
  text: 0xffff_fff7,
  /** Tokens of a draft that are used. */
  draft: 0xffff_fff6,
} as const;
