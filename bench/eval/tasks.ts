import * as v from "valibot";
import type { JobModel } from "../../src/engine/run/open-run.ts";
import { type Lab, runToEnd, runUnits, totalCost, type Unit } from "../harness/lab.ts";
import { percentWithin } from "../harness/table.ts";
import { atLeast, type Target } from "../harness/targets.ts";
import { finalAnswer, type TaskPrompt } from "../harness/task-prompts.ts";
import { wilson } from "../stats/wilson.ts";
import type { PlannedPart } from "./part.ts";

const answerSchema = v.object({ right: v.boolean(), forwards: v.number(), tokens: v.number() });
export type Answer = v.InferOutput<typeof answerSchema>;

export interface TaskOptions {
  readonly title: string;
  readonly recipe: unknown;
  /** Cells for a response. */
  readonly length: number;
  readonly targetsOf?: (tasks: readonly TaskFigures[]) => readonly Target[];
}

/** What a task's answers came to. */
export type TaskFigures = ReturnType<typeof summary>;

/** Exact match of each task's answers. */
export function planTasks(
  model: JobModel,
  prompts: ReadonlyMap<string, readonly TaskPrompt[]>,
  options: TaskOptions,
): PlannedPart {
  const groups = [...prompts].map(([task, list]) => ({ task, units: taskUnits(model, list, options) }));
  return {
    cost: groups.reduce((sum, { units }) => sum + totalCost(units), 0),
    async measure(lab) {
      const tasks: TaskFigures[] = [];
      for (const { task, units } of groups) tasks.push(summary(task, await runUnits(units, lab)));
      const { title, recipe, length, targetsOf } = options;
      return {
        json: { recipe, length, tasks },
        table: {
          title,
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
        ...(targetsOf === undefined ? {} : { targets: targetsOf(tasks) }),
      };
    },
  };
}

/** One token a step: what the model knows. Per cent right. */
export function knowledgeTargets(tasks: readonly TaskFigures[]): readonly Target[] {
  const goals = { add: 95, sub: 95, sort: 95, reverse: 95, brackets: 95, story_math: 75, where: 75 };
  return Object.entries(goals).flatMap(([task, goal]) => rightAtLeast(tasks, task, task, goal));
}

/** The order decides here: the cell with the widest margin first. */
export function marginTargets(tasks: readonly TaskFigures[]): readonly Target[] {
  return rightAtLeast(tasks, "sudoku4", "sudoku4 in margin order", 90);
}

/** Several tokens a step. */
export function speedTargets(tasks: readonly TaskFigures[]): readonly Target[] {
  const total = (of: (task: TaskFigures) => number) => tasks.reduce((sum, task) => sum + of(task), 0);
  const forwards = total((task) => task.forwards);
  if (forwards === 0) return [];
  return [atLeast("tokens a forward on tasks", 4, total(({ tokens }) => tokens) / forwards, 2)];
}

function rightAtLeast(tasks: readonly TaskFigures[], task: string, what: string, goal: number): Target[] {
  const found = tasks.find((entry) => entry.task === task);
  if (found === undefined || found.prompts === 0) return [];
  return [atLeast(`${what}, exact`, goal, 100 * found.accuracy, 1, " %")];
}

export function taskUnits(
  model: JobModel,
  prompts: readonly TaskPrompt[],
  { recipe, length }: Pick<TaskOptions, "recipe" | "length">,
): Unit<Answer>[] {
  return prompts.flatMap((entry, number) => {
    const { task, prompt, answer } = entry;
    const used = model.tokenizer.encode(prompt).length;
    const cells = Math.min(length, model.manifest.maxCanvas - used - FRAME);
    if (cells < 1) return [];
    return [
      {
        key: ["tasks", task, prompt, answer, String(cells), JSON.stringify(recipe)],
        label: `${task} ${number + 1}`,
        // Half of the cells, about, are text.
        cost: ((used + cells) * cells) / 2,
        schema: answerSchema,
        run: (lab) => answerOf(model, entry, cells, recipe, lab),
      },
    ];
  });
}

/** Cells that a mode may put around a prompt. */
const FRAME = 8;

async function answerOf(
  { manifest }: JobModel,
  { prompt, answer }: TaskPrompt,
  maxNewTokens: number,
  recipe: unknown,
  lab: Lab,
): Promise<Answer> {
  const options = { ...taskMode(manifest.modes), recipe, maxNewTokens };
  const { text, nfe, effectiveTokens } = await runToEnd({ kind: "generate", prompt, options }, lab);
  const right = finalAnswer(text ?? "") === finalAnswer(answer);
  return { right, forwards: nfe, tokens: effectiveTokens };
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
