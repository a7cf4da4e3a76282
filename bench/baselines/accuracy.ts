import { type Discordant, discordant, mcnemar } from "../stats/mcnemar.ts";
import { wilson } from "../stats/wilson.ts";
import type { Outcome, TaskOutcomes } from "./answers.ts";

/**
 * Whether speed costs answers. The naive loop fills blocks from left to right and its answer ends where the text ends, so
 * the engine's plain `llada` that stops there gives the same answer in a fraction of the forwards; the race in the
 * browser checks that on its prompts.
 */
export interface Accuracy {
  readonly canvas: number;
  readonly prompts: number;
  /** Prompts that are to be answered; more than `prompts` in a run that was stopped. */
  readonly planned: number;
  readonly tasks: readonly TaskAccuracy[];
  /** The best recipe against the naive loop, and against the twin where there is one. */
  readonly againstNaive: Loss;
  readonly againstTwin: Loss | null;
  readonly shares: { readonly naive: Share; readonly best: Share; readonly twin: Share | null };
}

export interface Loss {
  /** Mean over tasks of the share that is lost, in points; negative where more is right. */
  readonly mean: number;
  /** Tasks that lose more than a point, and not by chance (McNemar, 5 %). */
  readonly tasks: readonly string[];
}

interface Share {
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

interface TaskAccuracy extends Discordant {
  readonly task: string;
  readonly prompts: number;
  readonly naive: number;
  readonly best: number;
  readonly twin: number | null;
  readonly p: number;
}

/** @param found of each prompt the outcomes of the naive loop, the best recipe and, where there is one, the twin */
export function summarise(canvas: number, found: readonly TaskOutcomes[]): Accuracy {
  const asked = found.filter(({ outcomes }) => outcomes.length > 0);
  const hasTwin = asked.some(({ outcomes }) => outcomes[0]!.length > 2);
  const tasks = asked.map(({ task, outcomes }): TaskAccuracy => {
    const pairs = pairsOf(outcomes, 0);
    return {
      task,
      prompts: outcomes.length,
      naive: rightOnes(outcomes, 0),
      best: rightOnes(outcomes, 1),
      twin: hasTwin ? rightOnes(outcomes, 2) : null,
      ...pairs,
      p: mcnemar(pairs),
    };
  });
  const all = asked.flatMap(({ outcomes }) => outcomes);
  const share = (at: number): Share => {
    const right = rightOnes(all, at);
    const [low, high] = wilson(right, all.length);
    return { share: right / Math.max(1, all.length), low, high };
  };
  return {
    canvas,
    prompts: all.length,
    planned: found.reduce((sum, { planned }) => sum + planned, 0),
    tasks,
    againstNaive: lossAgainst(asked, 0, 1),
    againstTwin: hasTwin ? lossAgainst(asked, 2, 1) : null,
    shares: { naive: share(0), best: share(1), twin: hasTwin ? share(2) : null },
  };
}

/** What the answerer `now` loses against `before`, on the same prompts. */
export function lossAgainst(found: readonly TaskOutcomes[], before: number, now: number): Loss {
  const losses = found
    .filter(({ outcomes }) => outcomes.length > 0)
    .map(({ task, outcomes }) => {
      const pairs = pairsOf(outcomes, before, now);
      const points = (100 * (pairs.lost - pairs.gained)) / outcomes.length;
      return { task, points, isReal: points > 1 && mcnemar(pairs) < 0.05 };
    });
  return {
    mean: losses.reduce((sum, { points }) => sum + points, 0) / Math.max(1, losses.length),
    tasks: losses.filter(({ isReal }) => isReal).map(({ task }) => task),
  };
}

function pairsOf(outcomes: TaskOutcomes["outcomes"], before: number, now = 1): Discordant {
  return discordant(outcomes.map((row) => [row[now]!.right, row[before]!.right]));
}

function rightOnes(outcomes: readonly (readonly Outcome[])[], at: number): number {
  return outcomes.filter((row) => row[at]!.right).length;
}
