import { percent, percentWithin, type Table } from "../harness/table.ts";
import { showSpread } from "../stats/spread.ts";
import type { Accuracy } from "./accuracy.ts";
import { type Beyond, type Split, type Standing, TWIN } from "./contestants.ts";

export const NOTES = [
  "All contestants run on the same thread of the same page over one onnxruntime, in turns. The naive loop uses the engine's own int8 graph: a full forward each step, all logits read back, argmax and softmax of the open block in JavaScript, until every cell is filled.",
  "Accuracy is measured on Node over other prompts of the same tasks; the naive loop's answer is that of llada, one token a step, which stops at the end of the text.",
];

/** The race of each canvas, and what its steps divide the time by. */
export function raceTables(
  standings: readonly Standing[],
  splits: readonly ({ readonly canvas: number } & Split)[],
  beyond: Beyond | null,
): Table[] {
  const races = splits.map(({ canvas }): Table => {
    const found = standings.filter((entry) => entry.canvas === canvas);
    const naive = found[0]?.totalMs ?? Number.NaN;
    return {
      title: `Canvas of ${canvas}`,
      columns: [
        "",
        "a response",
        "times faster",
        "forwards",
        "rows",
        "tokens/s",
        "right",
        "as the naive loop",
      ],
      rows: found.map((entry) => [
        entry.name,
        showSpread(entry.ms, "ms"),
        (naive / entry.totalMs).toFixed(1),
        String(entry.forwards),
        String(entry.rows),
        entry.tokensPerSecond.toFixed(1),
        `${entry.right} of ${entry.prompts}`,
        entry.name === TWIN ? "-" : `${entry.same} of ${entry.prompts}`,
      ]),
    };
  });
  return [
    ...races,
    {
      title: "Where the time goes",
      columns: ["canvas", "overhead", "trimmed padding", "fewer forwards", "fewer rows", "together"],
      rows: splits.map(({ canvas, overhead, padding, forwards, rows, total }) => [
        String(canvas),
        ...[overhead, padding, forwards, rows, total].map((factor) => `${factor.toFixed(2)} x`),
      ]),
      notes: [
        "What each step divides the time of all prompts by; the steps multiply.",
        beyond === null
          ? "Skipped: a canvas of 1024, whose time is extrapolated from three shorter ones."
          : `A naive forward over ${beyond.canvas} cells would take ${beyond.msPerForward.toFixed(0)} ms and filling them one by one ${beyond.seconds.toFixed(0)} s: extrapolated, because the model's canvas ends before.`,
      ],
    },
  ];
}

export function accuracyTable({ canvas, tasks, meanLoss, losses, shares }: Accuracy): Table {
  const within = ({ share, low, high }: { share: number; low: number; high: number }) =>
    percentWithin(share, [low, high]);
  const prompts = tasks.reduce((sum, task) => sum + task.prompts, 0);
  const hasTwin = tasks.some(({ twin }) => twin !== null);
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
        hasTwin ? within(shares.twin) : "-",
      ],
    ],
    notes: [
      `The mean over tasks loses ${meanLoss.toFixed(2)} points; tasks that lose more than one, and not by chance (McNemar, 5 %): ${losses.length === 0 ? "none" : losses.join(", ")}.`,
    ],
  };
}
