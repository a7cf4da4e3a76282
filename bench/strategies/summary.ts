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
  readonly text: string;
  readonly right: boolean;
  readonly forwards: number;
  /** Canvases evaluated: two a guided forward. */
  readonly branches: number;
  readonly rows: number;
  /** Neither end nor padding. */
  readonly tokens: number;
  /** Of the response at its end, tokens or not. */
  readonly cells: number;
  /** Cells that the canvas has behind the prompt: the forwards of one token a step at fixed length. */
  readonly room: number;
  /** Of processor time. */
  readonly seconds: number;
  /** Tokens that the model wavered over; see src/strategies/pieces/doubts.ts. */
  readonly doubts: number;
}

/** Against a baseline, on the prompts that both have. */
export interface Comparison extends Discordant {
  readonly prompts: number;
  readonly p: number;
  /** Times fewer forwards, and rows, on those prompts. */
  readonly fewerForwards: number;
  readonly fewerRows: number;
  /** Share of prompts with the very same text. */
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
  readonly branches: number;
  readonly rows: number;
  readonly tokensPerForward: number;
  readonly tokensPerSecond: number;
  /** Tokens among the cells of the responses. */
  readonly effective: number;
  /** Responses with a doubtful token, and the share of right ones among those and among the others. */
  readonly doubted: { readonly responses: number; readonly right: number; readonly otherwise: number };
  /**
   * Times fewer forwards, and rows, than one token a step at fixed length: those are known without running it, one
   * forward a cell over the whole canvas.
   */
  readonly fewerThanFixed: { readonly forwards: number; readonly rows: number };
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
  const rows = sum(list, "rows");
  const tokens = sum(list, "tokens");
  const whole = list.reduce((total, { room, canvas }) => total + room * canvas, 0);
  return {
    prompts: list.length,
    correct,
    accuracy: correct / list.length,
    interval: wilson(correct, list.length),
    forwards: forwards / list.length,
    branches: sum(list, "branches") / list.length,
    rows: rows / list.length,
    tokensPerForward: tokens / Math.max(1, forwards),
    tokensPerSecond: tokens / sum(list, "seconds"),
    effective: tokens / Math.max(1, sum(list, "cells")),
    doubted: doubted(list),
    fewerThanFixed: { forwards: sum(list, "room") / forwards, rows: whole / rows },
  };
}

function doubted(list: readonly Outcome[]): Standing["doubted"] {
  const rightOf = (some: readonly Outcome[]): number =>
    some.filter(({ right }) => right).length / Math.max(1, some.length);
  const flagged = list.filter(({ doubts }) => doubts > 0);
  return {
    responses: flagged.length,
    right: rightOf(flagged),
    otherwise: rightOf(list.filter(({ doubts }) => doubts === 0)),
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
    same: pairs.filter(([now, then]) => now.text === then.text).length / pairs.length,
  };
}

type Amount = "forwards" | "branches" | "rows" | "tokens" | "cells" | "room" | "seconds";

function sum(list: readonly Outcome[], key: Amount): number {
  return list.reduce((total, outcome) => total + outcome[key], 0);
}
