import type { JobModel } from "../../src/engine/run/open-run.ts";
import { type Lab, runUnits, totalCost, type Unit } from "../harness/lab.ts";
import { atMost } from "../harness/targets.ts";
import type { TaskPrompt } from "../harness/task-prompts.ts";
import { discordant, mcnemar } from "../stats/mcnemar.ts";
import { ratioOf } from "../stats/ratio.ts";
import type { HeldOut } from "./corpus.ts";
import { chooseDocuments, type NelboOptions, nelboUnits, type ScoredDocument } from "./nelbo.ts";
import type { PlannedPart } from "./part.ts";
import type { Quantised } from "./quantisation.ts";
import { type Answer, taskUnits } from "./tasks.ts";

export interface PrecisionOptions extends NelboOptions {
  readonly prompts: ReadonlyMap<string, readonly TaskPrompt[]>;
  readonly recipe: unknown;
  /** Cells for a response. */
  readonly length: number;
}

/**
 * What the shipped weights lose to float32 in the end: nats a token of the same documents, and right answers to the same
 * prompts.
 */
export function planPrecision(
  model: JobModel,
  { reference, identity }: Pick<Quantised, "reference" | "identity">,
  text: HeldOut,
  { documents, draws, prompts, recipe, length }: PrecisionOptions,
): PlannedPart {
  const bounds = [...text].map(([group, texts]) => {
    const chosen = chooseDocuments(model, texts, documents);
    return { group, ...pairOf((of) => nelboUnits(of, group, chosen, draws)) };
  });
  const tasks = [...prompts].map(([task, list]) => ({
    task,
    ...pairOf((of) => taskUnits(of, list, { recipe, length })),
  }));
  function pairOf<T>(unitsOf: (of: JobModel) => Unit<T>[]) {
    return { here: unitsOf(model), there: unitsOf(reference) };
  }
  return {
    cost: [...bounds, ...tasks].reduce((sum, { here, there }) => sum + totalCost(here) + totalCost(there), 0),
    async measure(lab) {
      const otherLab: Lab = { ...lab, model: reference, identity: [...lab.identity, ...identity] };
      const nats = [];
      for (const { group, here, there } of bounds) {
        nats.push({ group, ...lossOf(await runUnits(here, lab), await runUnits(there, otherLab)) });
      }
      const answers = [];
      for (const { task, here, there } of tasks) {
        answers.push({ task, ...pointsOf(await runUnits(here, lab), await runUnits(there, otherLab)) });
      }
      const prompts = answers.reduce((sum, { count }) => sum + count, 0);
      const gained = answers.reduce((sum, entry) => sum + entry.gained, 0);
      const lost = answers.reduce((sum, entry) => sum + entry.lost, 0);
      const points = answers.reduce((sum, entry) => sum + entry.points, 0) / Math.max(1, answers.length);
      const core = nats.find(({ group }) => group === "core");
      return {
        json: { nats, tasks: answers, points, gained, lost, p: mcnemar({ gained, lost }) },
        table: {
          title: "Shipped weights against float32",
          columns: ["what", "documents or prompts", "lost to float32"],
          rows: [
            ...nats.map(({ group, count, loss, error }) => [
              `nats a token, ${group}`,
              String(count),
              `${loss.toFixed(4)} ± ${error.toFixed(4)}`,
            ]),
            [
              "points of exact answers, mean over tasks",
              String(prompts),
              `${points.toFixed(2)} (${lost} answers lost, ${gained} gained, p ${mcnemar({ gained, lost }).toFixed(2)})`,
            ],
          ],
          notes: [
            `Paired: the same documents with the same ${draws} masks, the same prompts with ${JSON.stringify(recipe)}. ± is one standard error; p is McNemar's.`,
          ],
        },
        targets: [
          ...(core === undefined ? [] : [atMost("nats a token lost to float32", 0.03, core.loss, 4)]),
          ...(prompts === 0 ? [] : [atMost("points of exact answers lost to float32", 1, points, 2)]),
        ],
      };
    },
  };
}

function lossOf(here: readonly ScoredDocument[], there: readonly ScoredDocument[]) {
  const { value, error } = ratioOf(
    here.map(({ nats, tokens }, i): [number, number] => [nats - there[i]!.nats, tokens]),
  );
  return { count: here.length, loss: value, error };
}

function pointsOf(here: readonly Answer[], there: readonly Answer[]) {
  const { gained, lost } = discordant(
    here.map(({ right }, i): [boolean, boolean] => [right, there[i]!.right]),
  );
  return { count: here.length, gained, lost, points: (100 * (lost - gained)) / Math.max(1, here.length) };
}
