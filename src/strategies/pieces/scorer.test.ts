import { expect, test } from "vitest";
import { masks, play, says } from "../testing/play.ts";
import { endsLast, probabilityScorer } from "./scorer.ts";
import { quotaSelector } from "./selector.ts";

test("ends are ranked behind all else, the surest of them first", () => {
  const end = 9;
  const { events } = play({
    canvas: masks(4),
    pieces: {
      selector: quotaSelector({ steps: 4, keepZeroSteps: false }),
      scorer: endsLast(probabilityScorer, [end]),
    },
    says: ({ row }) => [says(0.6, 1), says(0.99, end), says(0.7, 3), says(0.95, end)][row]!,
    steps: 4,
  });
  expect(events.map(({ commits }) => commits[0]!.row)).toEqual([2, 0, 1, 3]);
});
