import * as v from "valibot";
import type { JobModel } from "../../src/engine/run/open-run.ts";
import { type Lab, runToEnd, runUnits, totalCost, type Unit } from "../harness/lab.ts";
import { percentWithin } from "../harness/table.ts";
import { finalAnswer, type TaskPrompt } from "../harness/task-prompts.ts";
import { wilson } from "../stats/wilson.ts";
import type { PlannedPart } from "./part.ts";

const answerSchema = v.object({ right: v.boolean(), forwards: v.number(), tokens: v.number() });
type Answer = v.InferOutput<typeof answerSchema>;

export interface TaskOptions {
  readonly recipe: unknown;
  /** Cells for a response. */
  readonly length: number;
}

/** Exact match of each task's answers. */
export function planTasks(
  model: JobModel,
  prompts: ReadonlyMap<string, readonly TaskPrompt[]>,
  options: TaskOptions,
): PlannedPart {
  const groups = [...prompts].map(([task, list]) => ({
    task,
    units: list.map((entry, i) => unitOf(model, entry, i, options)),
  }));
  return {
    cost: groups.reduce((sum, { units }) => sum + totalCost(units), 0),
    async measure(lab) {
      const tasks = [];
      for (const { task, units } of groups) tasks.push(summary(task, await runUnits(units, lab)));
      const { recipe, length } = options;
      return {
        json: { recipe, length, tasks },
        table: {
          title: "Tasks",
          columns: ["task", "prompts", "exact", "forwards", "tokens a forward"],
          rows: tasks.map((entry) => [
            entry.task,
            String(entry.prompts),
            percentWithin(entry.accuracy, [entry.low, entry.high]),
            (entry.forwards / Math.max(1, entry.prompts)).toFixed(1),
            (entry.tokens / Math.max(1, entry.forwards)).toFixed(2),
          ]),
          notes: [
            `Held-out prompts, ${JSON.stringify(recipe)}, at most ${length} cells for a response; Wilson 95 % interval. ` +
              "Forwards are the mean of a response; tokens are those that are neither end nor padding.",
          ],
        },
      };
    },
  };
}

function unitOf(
  { manifest, tokenizer }: JobModel,
  { task, prompt, answer }: TaskPrompt,
  number: number,
  { recipe, length }: TaskOptions,
): Unit<Answer> {
  const used = tokenizer.encode(prompt).length;
  return {
    key: ["tasks", task, prompt, answer, String(length), JSON.stringify(recipe)],
    label: `${task} ${number + 1}`,
    // Half of the cells, about, are text.
    cost: ((used + length) * length) / 2,
    schema: answerSchema,
    async run(lab: Lab) {
      const mode = taskMode(manifest.modes);
      const job = { kind: "generate", prompt, options: { ...mode, recipe, maxNewTokens: length } } as const;
      const { text, nfe, effectiveTokens } = await runToEnd(job, lab);
      const right = finalAnswer(text ?? "") === finalAnswer(answer);
      return { right, forwards: nfe, tokens: effectiveTokens };
    },
  };
}

/** The mode for tasks, where the bundle has one. */
export function taskMode(modes: Readonly<Record<string, unknown>>): { readonly mode?: string } {
  return Object.hasOwn(modes, "task") ? { mode: "task" } : {};
}

function summary(task: string, answers: readonly Answer[]) {
  const correct = answers.filter(({ right }) => right).length;
  const [low, high] = wilson(correct, answers.length);
  return {
    task,
    prompts: answers.length,
    correct,
    accuracy: correct / Math.max(1, answers.length),
    low,
    high,
    forwards: answers.reduce((sum, { forwards }) => sum + forwards, 0),
    tokens: answers.reduce((sum, { tokens }) => sum + tokens, 0),
  };
}
