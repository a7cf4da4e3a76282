import { percent, percentWithin, type Table } from "../harness/table.ts";
import { showSpread } from "../stats/spread.ts";
import type { Accuracy } from "./accuracy.ts";
import type { Candidate } from "./choice.ts";
import { GROWING, TWIN } from "./contestants.ts";
import type { Race } from "./race-part.ts";
import { type Beyond, factorOf, type Standing, splitOf } from "./standing.ts";

export const NOTES = [
  "All contestants run on the same thread of the same page over one onnxruntime, in turns. The naive loop uses the engine's own int8 graph: a full forward each step, all logits read back, argmax and softmax of the open block in JavaScript, until every cell is filled.",
  "Accuracy is measured on Node over held-out prompts of the same tasks, the same for all; the naive loop's answer is that of llada, one token a step, which stops at the end of the text.",
];

/** The contestants of each canvas. */
export function raceTable({ canvas, prompts, planned, standings }: Race): Table {
  return {
    title: `Canvas of ${canvas}`,
    columns: [
      "",
      "a response",
      "times faster",
      "forwards",
      "rows",
      "tokens",
      "tokens/s",
      "right",
      "as the naive loop",
    ],
    rows: standings.map((entry) => [
      entry.name,
      showSpread(entry.ms, "ms"),
      factorOf(entry).toFixed(1),
      perPrompt(entry.forwards, entry),
      perPrompt(entry.rows, entry),
      perPrompt(entry.tokens, entry),
      entry.tokensPerSecond.toFixed(1),
      `${entry.right} of ${entry.prompts}`,
      entry.name === TWIN ? "-" : `${entry.same} of ${entry.prompts}`,
    ]),
    notes: [
      ...(prompts < planned ? [`**${prompts} of ${planned} prompts so far.**`] : []),
      "Forwards, rows and tokens are means of a response. Times faster: total time of the same prompts. Tokens are those that are neither end nor padding.",
    ],
  };
}

/** What the time of the naive loop is divided by, step by step; and the canvas that the model does not have. */
export function splitTable(canvases: readonly (readonly Standing[])[], beyond: Beyond | null): Table {
  return {
    title: "Where the time goes",
    columns: ["canvas", "overhead", "trimmed padding", "fewer forwards", "fewer rows", "together"],
    rows: canvases.map((standings) => {
      const { overhead, padding, forwards, rows, total } = splitOf(standings);
      return [
        String(standings[0]!.canvas),
        ...[overhead, padding, forwards, rows, total].map((factor) => `${factor.toFixed(2)} x`),
      ];
    }),
    notes: [
      "What each step divides the time of all prompts by; the steps multiply. Overhead: the engine doing the naive loop's work, on some of the prompts. Padding: ending with the text and cutting the canvas there. Forwards: the best recipe without its cache. Rows: its cache.",
      beyond === null
        ? "A canvas of 1024 is not measured."
        : `Canvas of ${beyond.canvas}, for time only: the model ends before, so the naive loop has random weights of its shape. A forward takes ${showSpread(beyond.msPerForward, "ms")}, measured over the first block for ${beyond.prompts} prompts; at that rate all cells take ${(beyond.naiveMs / beyond.prompts / 1000).toFixed(0)} s a prompt (extrapolated). The best recipe begins with a look at every cell, for which the model has no positions; ${GROWING.preset} at ${GROWING.threshold}, which sees the open block and what is before it, takes ${showSpread(beyond.ms, "ms")}: ${(beyond.naiveMs / beyond.totalMs).toFixed(0)} times less.`,
    ],
  };
}

export function accuracyTable({ canvas, prompts, planned, tasks, shares, ...losses }: Accuracy): Table {
  const within = ({ share, low, high }: NonNullable<Accuracy["shares"]["twin"]>) =>
    percentWithin(share, [low, high]);
  const { againstNaive, againstTwin } = losses;
  const sure = (names: readonly string[]) => (names.length === 0 ? "none" : names.join(", "));
  return {
    title: `Right answers at a canvas of ${canvas}`,
    columns: ["task", "prompts", "naive", "best recipe", "gained, lost", "p", "twin"],
    rows: [
      ...tasks.map(({ task, prompts: n, naive, best, gained, lost, p, twin }) => [
        task,
        String(n),
        percent(naive / n),
        percent(best / n),
        `${gained}, ${lost}`,
        p.toFixed(3),
        twin === null ? "-" : percent(twin / n),
      ]),
      [
        "all",
        String(prompts),
        within(shares.naive),
        within(shares.best),
        "",
        "",
        shares.twin === null ? "-" : within(shares.twin),
      ],
    ],
    notes: [
      ...(prompts < planned ? [`**${prompts} of ${planned} prompts so far.**`] : []),
      `The mean over tasks loses ${againstNaive.mean.toFixed(2)} points against the naive loop; tasks that lose more than one, and not by chance (McNemar, 5 %): ${sure(againstNaive.tasks)}.`,
      ...(againstTwin === null
        ? []
        : [
            `Against the twin it loses ${againstTwin.mean.toFixed(2)} points; tasks for sure: ${sure(againstTwin.tasks)}.`,
          ]),
    ],
  };
}

export function choiceTable(
  canvas: number,
  candidates: readonly Candidate[],
  chosen: Candidate | undefined,
): Table {
  return {
    title: "How the best recipe was chosen",
    columns: ["recipe", "right", "points lost", "tasks lost", "forwards", "rows", "cost"],
    rows: candidates
      .toSorted((a, b) => a.cost - b.cost)
      .map((candidate) => [
        `${JSON.stringify(candidate.recipe)}${candidate === chosen ? " (chosen)" : ""}`,
        `${candidate.right} of ${candidate.prompts}`,
        candidate.loss.toFixed(1),
        candidate.lossTasks.length === 0 ? "none" : candidate.lossTasks.join(", "),
        candidate.forwards.toFixed(1),
        candidate.rows.toFixed(0),
        candidate.cost.toFixed(0),
      ]),
    notes: [
      `Canvas of ${canvas}, held-out prompts that the other tables do not use, against the naive loop's answers. Chosen: the least cost without a loss and at most two points behind the best of them. Cost: rows, and the fixed part of each forward counted in rows.`,
    ],
  };
}

function perPrompt(total: number, { prompts }: Standing): string {
  return (total / prompts).toFixed(1);
}
