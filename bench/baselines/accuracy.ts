import * as v from "valibot";
import type { Companion } from "../../src/core/companion.ts";
import { buildPrompt } from "../../src/engine/prompt.ts";
import { taskMode } from "../eval/tasks.ts";
import { type Lab, runToEnd, runUnits, totalCost, type Unit } from "../harness/lab.ts";
import { finalAnswer, type TaskPrompt } from "../harness/task-prompts.ts";
import { type Discordant, discordant, mcnemar } from "../stats/mcnemar.ts";
import { wilson } from "../stats/wilson.ts";
import { BLOCK } from "./contestants.ts";

/**
 * Whether speed costs answers, over many prompts on Node. The naive loop fills blocks from left to right and its answer
 * ends where the text ends, so the engine's plain `llada` that stops there gives the same answer in a fraction of the
 * forwards; the race in the browser checks that on its prompts.
 */
export interface AccuracyOptions {
  readonly prompts: ReadonlyMap<string, readonly TaskPrompt[]>;
  readonly canvas: number;
  readonly best: Readonly<Record<string, unknown>>;
  /** Reads in Node what the browser's twin reads, with the hash of its weights. */
  readonly twin?: { readonly companion: Companion; readonly hash: string } | undefined;
}

const outcomeSchema = v.object({ right: v.boolean(), forwards: v.number(), tokens: v.number() });
type Outcome = v.InferOutput<typeof outcomeSchema>;
type Way = "naive" | "best" | "twin";

export interface Accuracy {
  readonly canvas: number;
  readonly tasks: readonly TaskAccuracy[];
  /** Mean over tasks of the share that the best recipe loses against the naive loop, in points. */
  readonly meanLoss: number;
  /** Tasks that lose more than a point, and not by chance (McNemar, 5 %). */
  readonly losses: readonly string[];
  readonly shares: Readonly<
    Record<Way, { readonly share: number; readonly low: number; readonly high: number }>
  >;
}

interface TaskAccuracy extends Discordant {
  readonly task: string;
  readonly prompts: number;
  readonly naive: number;
  readonly best: number;
  readonly twin: number | null;
  readonly p: number;
}

export function accuracyUnits(lab: Pick<Lab, "model">, options: AccuracyOptions) {
  const ways: readonly Way[] = options.twin === undefined ? ["naive", "best"] : ["naive", "best", "twin"];
  const units = [...options.prompts].map(([task, list]) => ({
    task,
    byWay: new Map(ways.map((way) => [way, list.map((entry) => unitOf(lab, way, entry, options))])),
  }));
  const all = units.flatMap(({ byWay }) => [...byWay.values()].flat());
  return {
    cost: totalCost(all),
    async measure(whole: Lab): Promise<Accuracy> {
      const found: { task: string; outcomes: Map<Way, Outcome[]> }[] = [];
      for (const { task, byWay } of units) {
        const outcomes = new Map<Way, Outcome[]>();
        for (const [way, list] of byWay) outcomes.set(way, await runUnits(list, whole));
        found.push({ task, outcomes });
      }
      return summarise(options.canvas, found);
    },
  };
}

/** Pairs the answers of each task. */
export function summarise(
  canvas: number,
  found: readonly { readonly task: string; readonly outcomes: ReadonlyMap<Way, readonly Outcome[]> }[],
): Accuracy {
  const tasks = found.map(({ task, outcomes }): TaskAccuracy => {
    const [naive, best] = [outcomes.get("naive") ?? [], outcomes.get("best") ?? []];
    const pairs = discordant(best.map(({ right }, i) => [right, naive[i]!.right]));
    const twin = outcomes.get("twin");
    return {
      task,
      prompts: naive.length,
      naive: rightOnes(naive),
      best: rightOnes(best),
      twin: twin === undefined ? null : rightOnes(twin),
      ...pairs,
      p: mcnemar(pairs),
    };
  });
  const loss = ({ naive, best, prompts }: TaskAccuracy) => (100 * (naive - best)) / Math.max(1, prompts);
  const share = (way: Way) => {
    const all = found.flatMap(({ outcomes }) => outcomes.get(way) ?? []);
    const [low, high] = wilson(rightOnes(all), all.length);
    return { share: rightOnes(all) / Math.max(1, all.length), low, high };
  };
  return {
    canvas,
    tasks,
    meanLoss: tasks.reduce((sum, task) => sum + loss(task), 0) / Math.max(1, tasks.length),
    losses: tasks.filter((task) => loss(task) > 1 && task.p < 0.05).map(({ task }) => task),
    shares: { naive: share("naive"), best: share("best"), twin: share("twin") },
  };
}

function rightOnes(outcomes: readonly Outcome[]): number {
  return outcomes.filter(({ right }) => right).length;
}

function unitOf(
  { model }: Pick<Lab, "model">,
  way: Way,
  { task, prompt, answer }: TaskPrompt,
  { canvas, best, twin }: AccuracyOptions,
): Unit<Outcome> {
  const { manifest, tokenizer } = model;
  const mode = taskMode(manifest.modes);
  const job = { kind: "generate", prompt, options: mode } as const;
  const ids = buildPrompt(job, tokenizer, manifest).ids;
  const cells = canvas - ids.length;
  const recipe = way === "best" ? best : { preset: "llada", block: BLOCK, stop: { eos: true } };
  return {
    key: [
      "baselines",
      String(canvas),
      task,
      prompt,
      answer,
      ...(way === "twin" ? ["twin", twin!.hash] : [JSON.stringify(recipe)]),
    ],
    label: `accuracy at ${canvas}, ${task}, ${way}`,
    cost: way === "naive" ? 28 * canvas : way === "best" ? 8 * canvas : canvas,
    schema: outcomeSchema,
    async run(lab) {
      if (way === "twin") {
        const written = await twin!.companion({ kind: "continue", ids: Int32Array.from(ids), count: cells });
        const right = finalAnswer(tokenizer.decode(written)) === finalAnswer(answer);
        return { right, forwards: written.length, tokens: written.length };
      }
      const options = { ...mode, recipe, maxNewTokens: cells };
      const { text = "", nfe, effectiveTokens } = await runToEnd({ ...job, options }, lab);
      return { right: finalAnswer(text) === finalAnswer(answer), forwards: nfe, tokens: effectiveTokens };
    },
  };
}
