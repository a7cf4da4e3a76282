import { createHash } from "node:crypto";
import * as v from "valibot";
import type { Companion } from "../../src/core/companion.ts";
import { UnmaskError } from "../../src/core/errors.ts";
import { buildPrompt } from "../../src/engine/ask/prompt.ts";
import type { JobModel } from "../../src/engine/run/open-run.ts";
import { runJob } from "../../src/engine/run/run-job.ts";
import { taskMode } from "../eval/tasks.ts";
import { type Lab, runToEnd, runUnits, type Unit } from "../harness/lab.ts";
import { finalAnswer, type TaskPrompt } from "../harness/task-prompts.ts";
import { lengthIn } from "./length.ts";

/** Who answers prompts on Node: a recipe of the engine, or the autoregressive twin. */
export type Answerer =
  | {
      readonly kind: "engine";
      readonly name: string;
      readonly recipe: Readonly<Record<string, unknown>>;
      /** What it decides on known prompts; see {@link fingerprint}. */
      readonly print: string;
      /** Forwards of a response, for the estimate of the time left. */
      readonly forwards: number;
    }
  | {
      readonly kind: "twin";
      readonly name: string;
      readonly companion: Companion;
      /** Of its weights. */
      readonly hash: string;
    };

const outcomeSchema = v.object({
  right: v.boolean(),
  forwards: v.number(),
  rows: v.number(),
  tokens: v.number(),
});
export type Outcome = v.InferOutput<typeof outcomeSchema>;

/** Prompts that leave less room than this are left out of a canvas. */
const LEAST_CELLS = 32;

export interface AnswerPlan {
  readonly prompts: ReadonlyMap<string, readonly TaskPrompt[]>;
  readonly canvas: number;
  readonly answerers: readonly Answerer[];
}

/** The outcomes of one task: of each prompt that all answered, one of each answerer, in the plan's order. */
export interface TaskOutcomes {
  readonly task: string;
  readonly planned: number;
  readonly outcomes: readonly (readonly Outcome[])[];
}

/**
 * Plans every answerer on every prompt, in rounds of one prompt of each task: a run that is stopped has asked all of them
 * and all tasks alike.
 */
export function planAnswers(model: JobModel, { prompts, canvas, answerers }: AnswerPlan) {
  const tasks = [...prompts].map(([task, list]) => ({
    task,
    prompts: list
      .filter((entry) => canvas - promptIds(model, entry).length >= LEAST_CELLS)
      .map((entry) => answerers.map((answerer) => unitOf(model, answerer, entry, canvas))),
  }));
  const rounds = Math.max(0, ...tasks.map((task) => task.prompts.length));
  return {
    cost: tasks.reduce((sum, task) => sum + task.prompts.flat().reduce((all, { cost }) => all + cost, 0), 0),
    /** @param isOver asked before each response that the journal does not have: true leaves it out */
    async measure(lab: Lab, isOver: () => boolean): Promise<TaskOutcomes[]> {
      const found = tasks.map(({ task, prompts: list }) => ({
        task,
        planned: list.length,
        outcomes: [] as Outcome[][],
      }));
      for (let round = 0; round < rounds; round++) {
        for (const [at, task] of tasks.entries()) {
          const units = task.prompts[round] ?? [];
          const outcomes = await runUnits(units, lab, isOver);
          if (units.length > 0 && outcomes.length === units.length) found[at]!.outcomes.push(outcomes);
        }
      }
      return found;
    },
  };
}

/**
 * Hash of every decision of a recipe on a few prompts: its steps, the cells and tokens of each. Answers are kept under it,
 * with the model's data and the runtime's version, in place of the code: code that decides otherwise has another one,
 * and code that merely reads otherwise does not cost an hour.
 */
export async function fingerprint(
  recipe: Readonly<Record<string, unknown>>,
  prompts: readonly TaskPrompt[],
  canvas: number,
  { model, signal }: Pick<Lab, "model" | "signal">,
): Promise<string> {
  const hash = createHash("sha256");
  for (const entry of prompts) {
    const control = { stop: () => signal.aborted };
    for await (const event of runJob(jobOf(model, entry, recipe, canvas), model, control)) {
      if (event.type === "step") {
        const { commits, remasks, overwrites, inserts, deletes } = event;
        const cells = commits.map(({ row, id }) => [row, id]);
        hash.update(JSON.stringify([cells, remasks, overwrites, inserts, deletes]));
      }
      if (event.type === "done") hash.update(JSON.stringify([event.tokens, event.nfe, event.rows]));
    }
    if (signal.aborted) throw new UnmaskError("aborted", "Stopped; the same command goes on from here.");
  }
  return hash.digest("hex").slice(0, 16);
}

function promptIds({ tokenizer, manifest }: JobModel, { prompt }: TaskPrompt): readonly number[] {
  return buildPrompt({ kind: "generate", prompt, options: taskMode(manifest.modes) }, tokenizer, manifest)
    .ids;
}

function jobOf(
  model: JobModel,
  entry: TaskPrompt,
  recipe: Readonly<Record<string, unknown>>,
  canvas: number,
) {
  const room = canvas - promptIds(model, entry).length;
  return {
    kind: "generate",
    prompt: entry.prompt,
    options: { ...taskMode(model.manifest.modes), recipe, ...lengthIn(recipe, room) },
  } as const;
}

function unitOf(model: JobModel, answerer: Answerer, entry: TaskPrompt, canvas: number): Unit<Outcome> {
  const { task, prompt, answer } = entry;
  const key = ["answer", String(canvas), task, prompt, answer];
  const label = `canvas of ${canvas}, ${task}, ${answerer.name}`;
  const schema = outcomeSchema;
  const isRight = (text: string) => finalAnswer(text) === finalAnswer(answer);
  if (answerer.kind === "twin") {
    return {
      key: [...key, "twin", answerer.hash],
      label,
      cost: canvas,
      schema,
      async run() {
        const ids = Int32Array.from(promptIds(model, entry));
        const written = await answerer.companion({ kind: "continue", ids, count: canvas - ids.length });
        const { length } = written;
        return {
          right: isRight(model.tokenizer.decode(written)),
          forwards: length,
          rows: length,
          tokens: length,
        };
      },
    };
  }
  return {
    key: [...key, JSON.stringify(answerer.recipe), answerer.print],
    label,
    cost: answerer.forwards * canvas,
    schema,
    async run(lab) {
      const done = await runToEnd(jobOf(model, entry, answerer.recipe, canvas), lab);
      const { text = "", nfe, rows, effectiveTokens } = done;
      return { right: isRight(text), forwards: nfe, rows, tokens: effectiveTokens };
    },
  };
}
