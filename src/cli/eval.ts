import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { UnmaskError } from "../core/errors.ts";
import type { GenerateEvent } from "../core/events.ts";
import { nearest } from "../core/nearest.ts";
import type { Engine } from "../protocol.ts";
import { openNodeEngine } from "../runtime/node-engine.ts";
import type { Command, CommandIo, OptionValues } from "./command.ts";
import { modelOption, numberOption, recipeOption } from "./generation-options.ts";
import { readTextFile } from "./text-file.ts";
import { wilson } from "./wilson.ts";

const promptSchema = v.object({ task: v.string(), prompt: v.string(), answer: v.string() });
type TaskPrompt = v.InferOutput<typeof promptSchema>;

interface TaskScore {
  readonly task: string;
  readonly prompts: number;
  readonly correct: number;
  readonly accuracy: number;
  /** Wilson 95 % interval. */
  readonly low: number;
  readonly high: number;
  readonly forwards: number;
  readonly tokens: number;
}

const MAX_PROMPTS_BYTES = 64 * 2 ** 20;

/** The part of a response that counts: everything after the last `answer`, or all of it, spaces collapsed. */
export function finalAnswer(response: string): string {
  const at = response.lastIndexOf("answer");
  const tail = at < 0 ? response : response.slice(at + "answer".length);
  return tail.replaceAll(/\s+/g, " ").trim();
}

export const evalCommand: Command = {
  name: "eval",
  summary: "Scores a bundle on held-out prompts with exact answers.",
  usage:
    "[--model DIR] [--prompts FILE] [--tasks LIST] [--limit N] [--recipe NAME|JSON|FILE] [--variant NAME]",
  options: {
    model: { type: "string" },
    prompts: { type: "string" },
    tasks: { type: "string" },
    limit: { type: "string" },
    recipe: { type: "string" },
    variant: { type: "string" },
    threads: { type: "string" },
  },
  help: {
    model: "bundle folder (default: the embedded model)",
    prompts: "JSON lines of {task, prompt, answer} (default: the held-out prompts of training/)",
    tasks: "comma-separated task names (default: all)",
    limit: "prompts a task (default 20)",
    recipe: "default: llada, one token a step",
    variant: "weights: int8, q4, ...",
    threads: "WASM threads",
  },
  async run(positionals, values, io) {
    if (positionals.length > 0) throw new UnmaskError("usage", "eval takes options only.");
    const limit = limitOption(values);
    const threads = numberOption(values, "threads");
    const variant = values["variant"];
    const recipe = (await recipeOption(values)) ?? { preset: "llada" };
    const prompts = await readPrompts(values["prompts"]);
    const groups = groupByTask(prompts);
    const wanted = tasksOption(values, [...groups.keys()]);
    await using engine = await openNodeEngine({
      model: modelOption(values),
      signal: io.signal,
      ...(threads === undefined ? {} : { threads }),
      ...(typeof variant === "string" ? { variant } : {}),
    });
    const scores: TaskScore[] = [];
    for (const [task, list] of groups) {
      if (!wanted.includes(task)) continue;
      const score = await scoreTask(engine, task, list.slice(0, limit), recipe, io);
      scores.push(score);
      io.status("");
      io.print(
        `${task.padEnd(12)} ${percent(score.accuracy)} (${percent(score.low)}..${percent(score.high)})  ` +
          `${score.correct}/${score.prompts}  ${(score.tokens / Math.max(1, score.forwards)).toFixed(2)} tokens a forward`,
      );
    }
    return { json: { model: engine.info.name, variant: engine.info.variant, recipe, tasks: scores } };
  },
};

async function scoreTask(
  engine: Engine,
  task: string,
  list: readonly TaskPrompt[],
  recipe: unknown,
  io: CommandIo,
): Promise<TaskScore> {
  let correct = 0;
  let forwards = 0;
  let tokens = 0;
  for (const [index, entry] of list.entries()) {
    io.status(`${task} ${index + 1} of ${list.length}, ${correct} right`);
    const done = await last(engine.generate(entry.prompt, { mode: "task", recipe, signal: io.signal }));
    if (done.reason === "aborted") throw new UnmaskError("aborted", "The evaluation was stopped.");
    if (finalAnswer(done.text ?? "") === finalAnswer(entry.answer)) correct += 1;
    forwards += done.nfe;
    tokens += done.effectiveTokens;
  }
  const [low, high] = wilson(correct, list.length);
  return {
    task,
    prompts: list.length,
    correct,
    accuracy: correct / Math.max(1, list.length),
    low,
    high,
    forwards,
    tokens,
  };
}

async function last(events: AsyncIterable<GenerateEvent>): Promise<Extract<GenerateEvent, { type: "done" }>> {
  for await (const event of events) if (event.type === "done") return event;
  throw new UnmaskError("internal", "The engine ended without a result.");
}

async function readPrompts(file: string | boolean | (string | boolean)[] | undefined): Promise<TaskPrompt[]> {
  const path =
    typeof file === "string"
      ? file
      : fileURLToPath(new URL("../../training/fixtures/heldout_tasks.jsonl", import.meta.url));
  const text = await readTextFile(path, "The prompts file", MAX_PROMPTS_BYTES, "invalid-options");
  try {
    return text
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => v.parse(promptSchema, JSON.parse(line)));
  } catch (cause) {
    throw new UnmaskError(
      "invalid-options",
      `The prompts file ${path} is not JSON lines of {task, prompt, answer}.`,
      {
        cause,
      },
    );
  }
}

function limitOption(values: OptionValues): number {
  const limit = numberOption(values, "limit") ?? 20;
  if (Number.isInteger(limit) && limit >= 1) return limit;
  throw new UnmaskError("invalid-options", `--limit must be a whole number from 1 on, got ${limit}.`, {
    detail: { option: "limit" },
  });
}

function tasksOption(values: OptionValues, known: readonly string[]): readonly string[] {
  if (typeof values["tasks"] !== "string") return known;
  const wanted = values["tasks"].split(",").map((task) => task.trim());
  const strange = wanted.find((task) => !known.includes(task));
  if (strange === undefined) return wanted;
  const near = nearest(strange, known);
  throw new UnmaskError(
    "invalid-options",
    `There is no task "${strange.slice(0, 40)}". Did you mean "${near}"?`,
    { detail: { option: "tasks" } },
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`.padStart(7);
}

function groupByTask(prompts: readonly TaskPrompt[]): Map<string, TaskPrompt[]> {
  const groups = new Map<string, TaskPrompt[]>();
  for (const entry of prompts) {
    const list = groups.get(entry.task);
    if (list === undefined) groups.set(entry.task, [entry]);
    else list.push(entry);
  }
  return groups;
}
