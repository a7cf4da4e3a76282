import { type RandomShape, SMALL } from "../../src/convert/random-checkpoint.ts";

/** Random checkpoints to measure conversions with; all are tied A2D Qwen3. */
export const SHAPES: Readonly<Record<string, RandomShape>> = {
  small: SMALL,
  /** The table of the real thing over two of its layers: 370 MB. */
  wide: { hidden: 1024, layers: 2, inter: 3072, heads: 16, kvHeads: 8, headDim: 128, vocab: 151_936 },
  /** 1.2 GB. */
  "qwen3-0.6b": {
    hidden: 1024,
    layers: 28,
    inter: 3072,
    heads: 16,
    kvHeads: 8,
    headDim: 128,
    vocab: 151_936,
  },
};
