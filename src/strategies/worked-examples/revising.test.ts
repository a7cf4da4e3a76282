import { expect, test } from "vitest";
import { FILLED, MASKED } from "../canvas.ts";
import { freeDave } from "../decoders/freedave.ts";
import { renoise } from "../decoders/renoise.ts";
import { saber } from "../decoders/saber.ts";
import { tokenEditReviser } from "../decoders/token-edit.ts";
import { wino } from "../decoders/wino.ts";
import { thresholdSelector } from "../pieces/selector.ts";
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

const GEMMA = {
  ...{ bound: 0.1, temperature: 0.8, topK: 0, topP: 1 },
  ...{ tMin: 0.4, steps: 48, stability: 1, confidence: 0.005 },
};

test("4.18 DiffusionGemma: accepts in the order of entropy, with the tokens of the step, and takes the rest back", () => {
  const { events, state } = play({
    canvas: written([7, 8, -1, -1, -1]),
    pieces: renoise({ ...GEMMA, temperature: 0 }),
    says: ({ row }) => says(0.5, row),
    entropy: ENTROPIES,
  });
  expect(events[0]!.commits.map(({ row }) => row)).toEqual([2, 3, 4]);
  expect(events[0]!.remasks).toEqual([{ row: 1 }]);
  // The first cell is accepted too, and the model now says another token.
  expect(events[0]!.overwrites).toEqual([{ row: 0, id: 0 }]);
  expect(Array.from(state.canvas.kinds)).toEqual([FILLED, MASKED, FILLED, FILLED, FILLED]);
});

test("4.18 DiffusionGemma: the temperature falls from 0.8 to 0.4", () => {
  const { sampler, ...others } = renoise(GEMMA);
  const seen: number[] = [];
  play({
    canvas: masks(5),
    pieces: {
      ...others,
      sampler: {
        ...sampler,
        noise: (...asked) => {
          const noise = sampler.noise(...asked);
          seen.push(noise!.temperature);
          return noise;
        },
      },
    },
    says: ({ row, step }) => says(0.5, row + 10 * (step % 2)),
    entropy: ENTROPIES,
    steps: 60,
  });
  expect(seen).toHaveLength(48);
  expect(seen[0]).toBeCloseTo(0.8);
  expect(seen[47]).toBeCloseTo(0.4083, 4);
});

test("4.18 DiffusionGemma: a block that is calm and stays the same ends with its best tokens", () => {
  const calm = new Array<number>(5).fill(0);
  const { events, state } = play({
    canvas: written([7, 8, -1, -1, -1]),
    pieces: renoise(GEMMA),
    says: ({ row }) => says(0.6, row),
    entropy: calm,
    steps: 10,
  });
  expect(events).toHaveLength(2);
  expect(Array.from(state.canvas.ids)).toEqual([0, 1, 2, 3, 4]);
  const patient = play({
    canvas: masks(5),
    pieces: renoise({ ...GEMMA, stability: 3 }),
    says: ({ row }) => says(0.6, row),
    entropy: calm,
    steps: 10,
  });
  expect(patient.events).toHaveLength(4);
});
