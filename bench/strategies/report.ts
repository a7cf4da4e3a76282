import { groupBy } from "../harness/group-by.ts";
import { percent, percentWithin, type Table } from "../harness/table.ts";
import { type Panel, scatterChart } from "./chart.ts";
import { pValue } from "./claims-section.ts";
import { FIXED, PLAIN } from "./contestants.ts";
import { ALL_TASKS, type Comparison, type Standing } from "./summary.ts";

const COLUMNS = [
  "decoder",
  "prompts",
  "exact",
  "forwards",
  "rows",
  "tokens a forward",
  "tokens a second",
  "of its cells",
  `forwards of "${FIXED}"`,
  `forwards of "${PLAIN}"`,
  `against "${PLAIN}": gained, lost, p`,
];

/** One table a canvas: of all tasks together, or one for each task. */
export function standingTables(all: readonly Standing[], which: "all tasks" | "each task"): Table[] {
  const chosen = all.filter(({ task }) => (task === ALL_TASKS) === (which === "all tasks"));
  const groups = groupBy(chosen, ({ canvas, task }) =>
    task === ALL_TASKS ? `Canvas of ${canvas}` : `${task}, canvas of ${canvas}`,
  );
  return [...groups].map(([title, list]) => ({ title, columns: COLUMNS, rows: list.map(rowOf) }));
}

function rowOf(standing: Standing): string[] {
  const { contestant, prompts, accuracy, interval, forwards, rows } = standing;
  return [
    contestant,
    String(prompts),
    percentWithin(accuracy, interval),
    forwards.toFixed(1),
    rows.toFixed(0),
    standing.tokensPerForward.toFixed(2),
    standing.tokensPerSecond.toFixed(1),
    percent(standing.effective),
    divided(standing.fewerThanFixed.forwards),
    standing.againstPlain === null ? "-" : divided(standing.againstPlain.fewerForwards),
    pair(standing.againstPlain),
  ];
}

function divided(ratio: number): string {
  return `÷ ${ratio.toFixed(2)}`;
}

function pair(comparison: Comparison | null): string {
  return comparison === null ? "-" : `${comparison.gained}, ${comparison.lost}, ${pValue(comparison.p)}`;
}

/** What makes the tables readable. */
export const NOTES = [
  "Exact: the final answer is right; Wilson 95 % interval. Forwards and rows are means of a response; a row is one cell computed in one forward. " +
    "Tokens are those that are neither end nor padding: a forward, a second of processor time (which another load of the machine changes little; it says nothing about a browser), " +
    "and among the cells that the response had at its end. Gained and lost count the prompts that only this decoder, or only the baseline, solves; " +
    "p is that of the exact McNemar test, two-sided, not corrected for the number of decoders.",
  `"${FIXED}" fills every cell, one token a forward, as papers divide by it. What it takes is therefore known for every prompt, and ratios to it are over all prompts; ` +
    `it runs on a few, on the shortest canvas, to check that. "${PLAIN}" is the same decoder that ends with the text: what it gains on long canvases nobody else can claim. ` +
    `Where "${FIXED}" did not run, its answers are those of "${PLAIN}": blocks are filled left to right, so what comes behind the end changes nothing before it.`,
];

/** Accuracy against forwards, all tasks, one panel a canvas. */
export function accuracyChart(all: readonly Standing[], model: string): string {
  const overall = all.filter(({ task }) => task === ALL_TASKS);
  const panels = [...groupBy(overall, ({ canvas }) => canvas)].map(
    ([canvas, list]): Panel => ({
      title: `Canvas of ${canvas}`,
      points: list.map(({ contestant, forwards, accuracy, interval: [low, high] }) => ({
        name: contestant,
        x: forwards,
        y: accuracy,
        low,
        high,
        baseline: contestant === FIXED || contestant === PLAIN,
      })),
    }),
  );
  return scatterChart(
    `Decoders of ${model}: exact answers against forwards`,
    "forwards a response",
    "exact answers",
    panels,
  );
}
