import { expect, test } from "vitest";
import { FILLED, MASKED } from "../canvas.ts";
import { freeDave } from "../decoders/freedave.ts";
import { renoise } from "../decoders/renoise.ts";
import { saber } from "../decoders/saber.ts";
import { tokenEditReviser } from "../decoders/token-edit.ts";
import { wino } from "../decoders/wino.ts";
import { thresholdSelector } from "../selector.ts";
import { MASK, masks, play, type Scene, says, written } from "../testing/play.ts";

/** Worked examples of the strategies note, section 4: what drafts, checks, edits and takes back. */

const ENTROPIES = [0.02, 0.5, 0.05, 0.01, 0.3];

test("4.6 WINO: takes back what its own masked cell would not say, fewer than were committed", () => {
  const shadow = [0.95, 0.5, 0.91, 0.85];
  const scene = (lastAccepted: number | null): Scene => {
    const pieces = wino({ threshold: 0.6, back: 0.9 });
    const { reviser } = pieces;
    return {
      canvas: written([0, 1, 2, 3, -1, -1, -1, -1, -1, -1, -1, -1]),
      pieces: {
        ...pieces,
        reviser: {
          ...reviser,
          revise: (step, commits) => {
            if (lastAccepted !== null) step.state.memory["wino"] = { block: 0, lastAccepted };
            return reviser.revise(step, commits);
          },
        },
      },
      says: ({ row, isDraft }) => says(isDraft ? shadow[row]! : row >= 4 && row < 7 ? 0.8 : 0.5, row),
    };
  };
  const [first] = play(scene(null)).events;
  expect(first!.commits.map(({ row }) => row)).toEqual([4, 5, 6]);
  expect(first!.remasks.map(({ row }) => row)).toEqual([1, 3]);
  expect(play(scene(2)).events[0]!.remasks).toEqual([{ row: 1 }]);
});

test.each([
  [2, 1],
  [5, 1],
  [9, 2],
  [17, 3],
])("4.7 Saber: of %d committed tokens %d are taken back", (committed, back) => {
  const cells = committed + 2;
  const { events } = play({
    canvas: masks(cells),
    pieces: {
      ...saber({ least: 2 }),
      // As many as the example says; the reviser counts them.
      selector: {
        ...saber({ least: 2 }).selector,
        select: ({ candidates }) =>
          Array.from({ length: committed }, (_, index) => ({ index, reason: "threshold" as const })).filter(
            ({ index }) => index < candidates.rows.length,
          ),
      },
    },
    says: ({ row }) => says(0.5, row),
  });
  expect(events[0]!.commits).toHaveLength(committed);
  expect(events[0]!.remasks).toHaveLength(back);
});

test("4.12 LLaDA2.1: edits a token that the model would write differently", () => {
  const { state } = play({
    canvas: written([7, 8, -1]),
    pieces: {
      selector: thresholdSelector(0.95),
      reviser: tokenEditReviser({ threshold: 0.9, postSteps: 4 }),
    },
    says: ({ row }) => [says(0.99, 7), says(0.93, 9), says(0.5, 1)][row]!,
  });
  expect(Array.from(state.canvas.ids.subarray(0, 2))).toEqual([7, 9]);
});

test("4.16 FreeDave: accepts drafts as far as the step before them agrees", () => {
  const p = [0.9, 0.8, 0.7, 0.6];
  const { events, state } = play({
    canvas: masks(4),
    steps: 2,
    pieces: freeDave({ drafts: 3, threshold: 1 }),
    // The draft with two tokens more disagrees with the one before it about the third cell.
    says: ({ row, canvas }) => says(p[row]!, row === 2 && canvas[1] !== MASK ? 9 : row),
  });
  expect(events.map(({ commits }) => commits.map(({ row, id }) => [row, id]))).toEqual([
    [[0, 0]],
    [
      [1, 1],
      [2, 9],
    ],
  ]);
  expect(state.nfe).toBe(2);
});

test("4.18 DiffusionGemma: accepts in the order of entropy and takes the rest back", () => {
  const { selector, reviser } = renoise({ bound: 0.1, steps: 48, calm: 0.005 });
  const { events, state } = play({
    canvas: written([7, 8, -1, -1, -1]),
    pieces: { selector, reviser },
    says: ({ row }) => says(0.5, row),
    entropy: ENTROPIES,
  });
  expect(events[0]!.commits.map(({ row }) => row)).toEqual([2, 3, 4]);
  expect(events[0]!.remasks).toEqual([{ row: 1 }]);
  expect(Array.from(state.canvas.kinds)).toEqual([FILLED, MASKED, FILLED, FILLED, FILLED]);
});
