import { expect, test } from "vitest";
import { countMasks } from "../canvas.ts";
import { masks, play, says } from "../testing/play.ts";
import { entropyGuard } from "./entropy-guard.ts";
import { slowFastSelector } from "./slowfast.ts";

/** How sure the model is of cells 0 to 3, and of those behind, in the first steps. */
const NEAR = [0.5, 0.95];
const FAR = [0.1, 0.3];

test("a token before the cycle that is taken back is written again: a cycle begins there", () => {
  const selector = slowFastSelector({
    exploration: 1,
    reach: 0.3,
    window: 2,
    deviation: 1,
    threshold: 0.9,
  });
  const { events, state } = play({
    canvas: masks(8),
    steps: 20,
    pieces: { selector, reviser: entropyGuard(0.1) },
    // Cells 1 to 3 are written together; then the others become less certain, so one of the three is taken back.
    says: ({ row, step }) => says((row < 4 ? NEAR[step] : FAR[step]) ?? 0.05, row),
  });
  expect(events[1]!.commits.map(({ row }) => row)).toEqual([1, 2, 3]);
  expect(events[2]!.remasks).toHaveLength(1);
  expect(countMasks(state.canvas)).toBe(0);
});
