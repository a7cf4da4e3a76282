import { expect, test } from "vitest";
import { createCanvas } from "../canvas.ts";
import { adaptiveBlocks } from "../decoders/adablock.ts";
import { positionCalibratedScorer } from "../decoders/pc-sampler.ts";
import { quotaSelector, thresholdSelector } from "../pieces/selector.ts";
import { MASK, masks, play, says, V } from "../testing/play.ts";

/** Worked examples of the strategies note, section 4: which token comes first, where blocks end, and gaps. (6.1, 6.2: src/constraints.) */

test("4.14 PC-Sampler: place and rarity", () => {
  const [a, b] = [10, 11];
  const frequency: number[] = new Array(V).fill(0);
  frequency[a] = 0.05;
  frequency[b] = 1e-4;
  const scores: number[] = [];
  const scorer = positionCalibratedScorer({ lambda: 0.25, alpha: 10, frequency });
  play({
    canvas: masks(4),
    pieces: {
      selector: quotaSelector({ steps: 4, keepZeroSteps: false }),
      scorer: {
        ...scorer,
        score: (step) => {
          const made = scorer.score(step);
          scores.push(...made);
          return made;
        },
      },
    },
    says: ({ row }) => [says(0.9, a), says(0.6, b), says(0.95, a), says(0.5, b)][row]!,
  });
  expect(scores.map((score) => score.toFixed(3))).toEqual(["2.696", "4.304", "1.726", "2.175"]);
});

test("4.15 AdaBlock: a block ends at the surest delimiter, or at its usual length", () => {
  const delimiter = 100;
  const ends = (early: number, late: number): number => {
    const { state } = play({
      canvas: masks(64),
      pieces: {
        selector: thresholdSelector(0.9),
        blocks: adaptiveBlocks({ size: 32, delimiters: [delimiter], threshold: 0.3 }),
      },
      says: ({ row }) =>
        row === 5 ? says(early, delimiter) : row === 11 ? says(late, delimiter) : says(0.4, row),
    });
    return state.block.end;
  };
  expect(ends(0.35, 0.8)).toBe(12);
  expect(ends(0.2, 0.1)).toBe(32);
});

test("4.20 infill: what stands around the gaps stays, byte for byte", () => {
  const ids = [20, MASK, MASK, 21, 22, MASK, 23];
  const canvas = createCanvas(
    ids,
    [
      { start: 1, end: 3 },
      { start: 5, end: 6 },
    ],
    MASK,
  );
  const { state } = play({
    canvas,
    steps: 9,
    pieces: { selector: thresholdSelector(0.9) },
    says: ({ row }) => says(0.5, row),
  });
  expect(Array.from(state.canvas.ids)).toEqual([20, 1, 2, 21, 22, 5, 23]);
});
