import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { readTextFile } from "../../src/cli/io/text-file.ts";
import { UnmaskError } from "../../src/core/errors.ts";
import { nearest } from "../../src/core/nearest.ts";
import { groupBy } from "./group-by.ts";

const promptSchema = v.object({
  task: v.string(),
  prompt: v.string(),
  answer: v.string(),
  /** A right response with its steps; the answer where the file has none. */
  response: v.optional(v.string()),
});

/** A held-out prompt with its one right answer. */
export type TaskPrompt = v.InferOutput<typeof promptSchema>;

const MAX_PROMPTS_BYTES = 64 * 2 ** 20;

const FIXTURES = new URL("../../training/fixtures/", import.meta.url);
/** Questions about held-out stories. */
export const READING = fileURLToPath(new URL("heldout_reading.jsonl", FIXTURES));

/**
 * The prompts of files by task, at most `limit` each, in the order of the file.
 *
 * @param files `--prompts`; undefined stands for the held-out prompts of training/
 * @param tasks `--tasks`, comma-separated; by default all
 * @throws UnmaskError `not-found`, `invalid-options`
 */
export async function readTaskPrompts(
  files: readonly unknown[],
  tasks: unknown,
  limit: number,
): Promise<ReadonlyMap<string, readonly TaskPrompt[]>> {
  const found: TaskPrompt[] = [];
  for (const file of files) found.push(...(await readPrompts(file)));
  const groups = groupBy(found, ({ task }) => task);
  const wanted = chooseTasks(tasks, [...groups.keys()]);
  return new Map(wanted.map((task) => [task, groups.get(task)!.slice(0, limit)]));
}

/** The part of a response that counts: everything after the last `answer`, or all of it, spaces collapsed. */
export function finalAnswer(response: string): string {
  const at = response.lastIndexOf("answer");
  const tail = at < 0 ? response : response.slice(at + "answer".length);
  return tail.replaceAll(/\s+/g, " ").trim();
}

async function readPrompts(file: unknown): Promise<TaskPrompt[]> {
  const path = typeof file === "string" ? file : fileURLToPath(new URL("heldout_tasks.jsonl", FIXTURES));
  const text = await readTextFile(path, "The prompts file", MAX_PROMPTS_BYTES, "invalid-options");
  try {
    return text
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => v.parse(promptSchema, JSON.parse(line)));
  } catch (cause) {
    const message = `The prompts file ${path} is not JSON lines of {task, prompt, answer}.`;
    throw new UnmaskError("invalid-options", message, { cause });
  }
}

function chooseTasks(tasks: unknown, known: readonly string[]): readonly string[] {
  if (typeof tasks !== "string") return known;
  const wanted = tasks.split(",").map((task) => task.trim());
  const strange = wanted.find((task) => !known.includes(task));
  if (strange === undefined) return [...new Set(wanted)];
  const near = nearest(strange, known);
  const message = `There is no task "${strange.slice(0, 40)}". Did you mean "${near}"?`;
  throw new UnmaskError("invalid-options", message, { detail: { option: "tasks" } });
}
