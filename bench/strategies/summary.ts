import { groupBy } from "../harness/group-by.ts";
import { type Discordant, discordant, mcnemar } from "../stats/mcnemar.ts";
import { wilson } from "../stats/wilson.ts";
import { FIXED, PLAIN } from "./contestants.ts";

/** One response of one contestant. */
export interface Outcome {
  readonly canvas: number;
  readonly task: string;
  readonly contestant: string;
  readonly prompt: string;
  /** What counts of the response. */
  readonly answer: string;
  readonly right: boolean;
  readonly forwards: number;
  readonly rows: number;
  /** Neither end nor padding. */
  readonly tokens: number;
  readonly ms: number;
}

/** Against a baseline, on the prompts that both have. */
export interface Comparison extends Discordant {
  readonly prompts: number;
  readonly p: number;
  /** Times fewer forwards, and rows, on those prompts. */
  readonly fewerForwards: number;
  readonly fewerRows: number;
  /** Share of prompts with the very same answer. */
  readonly same: number;
}

/** A contestant's outcomes on one canvas: of one task, or of all. */
export interface Standing {
  readonly canvas: number;
  readonly task: string;
  readonly contestant: string;
  readonly prompts: number;
  readonly correct: number;
  readonly accuracy: number;
  readonly interval: readonly [number, number];
  /** Means of a response. */
  readonly forwards: number;
  readonly rows: number;
  readonly tokensPerForward: number;
  readonly tokensPerSecond: number;
  readonly againstPlain: Comparison | null;
  readonly againstFixed: Comparison | null;
}

/** The name that stands for all tasks together. */
export const ALL_TASKS = "all tasks";

/** Standings by canvas, then all tasks and each task, then contestant, in the order the outcomes come. */
export function standings(outcomes: readonly Outcome[]): Standing[] {
  return [...groupBy(outcomes, ({ canvas }) => canvas)].flatMap(([canvas, onCanvas]) => {
    const tasks = [...new Set(onCanvas.map(({ task }) => task))];
    return [ALL_TASKS, ...tasks].flatMap((task) => {
      const own = task === ALL_TASKS ? onCanvas : onCanvas.filter((outcome) => outcome.task === task);
      const groups = groupBy(own, ({ contestant }) => contestant);
      return [...groups].map(([contestant, list]) => ({
        canvas,
        task,
        contestant,
        ...figures(list),
        againstPlain: contestant === PLAIN ? null : compare(list, groups.get(PLAIN) ?? []),
        againstFixed: contestant === FIXED ? null : compare(list, groups.get(FIXED) ?? []),
      }));
    });
  });
}

function figures(list: readonly Outcome[]) {
  const correct = list.filter(({ right }) => right).length;
  const forwards = sum(list, "forwards");
  const tokens = sum(list, "tokens");
  return {
    prompts: list.length,
    correct,
    accuracy: correct / list.length,
    interval: wilson(correct, list.length),
    forwards: forwards / list.length,
    rows: sum(list, "rows") / list.length,
    tokensPerForward: tokens / Math.max(1, forwards),
    tokensPerSecond: (1000 * tokens) / sum(list, "ms"),
  };
}

function compare(list: readonly Outcome[], baseline: readonly Outcome[]): Comparison | null {
  const known = new Map(baseline.map((outcome) => [`${outcome.task}\n${outcome.prompt}`, outcome] as const));
  const pairs = list.flatMap((now) => {
    const then = known.get(`${now.task}\n${now.prompt}`);
    return then === undefined ? [] : [[now, then] as const];
  });
  if (pairs.length === 0) return null;
  const counts = discordant(pairs.map(([now, then]) => [now.right, then.right] as const));
  const ours = pairs.map(([now]) => now);
  const theirs = pairs.map(([, then]) => then);
  return {
    prompts: pairs.length,
    ...counts,
    p: mcnemar(counts),
    fewerForwards: sum(theirs, "forwards") / sum(ours, "forwards"),
    fewerRows: sum(theirs, "rows") / sum(ours, "rows"),
    same: pairs.filter(([now, then]) => now.answer === then.answer).length / pairs.length,
  };
}

function sum(list: readonly Outcome[], key: "forwards" | "rows" | "tokens" | "ms"): number {
  return list.reduce((total, outcome) => total + outcome[key], 0);
}
