import * as v from "valibot";
import { isUnmaskError } from "../../src/core/errors.ts";
import type { JobModel } from "../../src/engine/open-run.ts";
import { planGeneration } from "../../src/engine/plan.ts";
import { buildPrompt } from "../../src/engine/prompt.ts";
import { taskMode } from "../eval/tasks.ts";
import { runToEnd, type Unit } from "../harness/lab.ts";
import { finalAnswer, type TaskPrompt } from "../harness/task-prompts.ts";
import { type Contestant, FIXED, PLAIN } from "./contestants.ts";
import type { Outcome } from "./summary.ts";

const outcomeSchema = v.object({
  canvas: v.number(),
  task: v.string(),
  contestant: v.string(),
  prompt: v.string(),
  answer: v.string(),
  right: v.boolean(),
  forwards: v.number(),
  rows: v.number(),
  tokens: v.number(),
  ms: v.number(),
});

/** Fewest cells that are left for a response; prompts with less room are left out of a canvas. */
const LEAST_CELLS = 32;
/** Forwards of a response, for the estimate of the time left. */
const USUAL_FORWARDS = { plain: 28, other: 16 };

export interface DuelOptions {
  readonly canvases: readonly number[];
  readonly prompts: ReadonlyMap<string, readonly TaskPrompt[]>;
  /** Prompts a task that the fixed-length baseline gets: it takes as many forwards as there are cells. */
  readonly fixedLimit: number;
}

/**
 * Every contestant on every prompt and canvas. Prompt by prompt, contestants in turn: what else the machine does meets
 * all of them, and a run that is stopped has measured all of them alike.
 */
export function duelUnits(
  model: JobModel,
  contestants: readonly Contestant[],
  { canvases, prompts, fixedLimit }: DuelOptions,
): Unit<Outcome>[] {
  const rounds = Math.max(0, ...[...prompts.values()].map((list) => list.length));
  return canvases.flatMap((canvas) =>
    Array.from({ length: rounds }, (_, round) =>
      [...prompts.values()].flatMap((list) => {
        const entry = list[round];
        if (entry === undefined || roomFor(model, entry, canvas) < LEAST_CELLS) return [];
        return contestants
          .filter(({ name }) => name !== FIXED || round < fixedLimit)
          .map((contestant) => unitOf(model, contestant, entry, canvas));
      }),
    ).flat(),
  );
}

/** Contestants that can run on this bundle, and why the others cannot. */
export function fitting(model: JobModel, contestants: readonly Contestant[]) {
  const able: Contestant[] = [];
  const unable: { readonly name: string; readonly reason: string }[] = [];
  for (const contestant of contestants) {
    try {
      planGeneration({ recipe: contestant.recipe, maxNewTokens: LEAST_CELLS }, model.manifest, {
        kind: "generate",
        promptCells: 16,
      });
      able.push(contestant);
    } catch (error) {
      if (!isUnmaskError(error)) throw error;
      unable.push({ name: contestant.name, reason: error.message });
    }
  }
  return { able, unable };
}

function roomFor({ tokenizer, manifest }: JobModel, { prompt }: TaskPrompt, canvas: number): number {
  try {
    const job = { kind: "generate", prompt, options: taskMode(manifest.modes) } as const;
    return Math.min(canvas, manifest.maxCanvas) - buildPrompt(job, tokenizer, manifest).ids.length;
  } catch (error) {
    if (isUnmaskError(error) && error.code === "prompt-too-long") return 0;
    throw error;
  }
}

function unitOf(
  model: JobModel,
  { name, recipe, start }: Contestant,
  { task, prompt, answer }: TaskPrompt,
  canvas: number,
): Unit<Outcome> {
  const room = roomFor(model, { task, prompt, answer }, canvas);
  const cells = Math.min(start ?? room, room);
  const forwards = name === FIXED ? cells : name === PLAIN ? USUAL_FORWARDS.plain : USUAL_FORWARDS.other;
  return {
    key: ["strategies", String(canvas), task, prompt, answer, String(cells), JSON.stringify(recipe)],
    label: `canvas of ${canvas}, ${task}, ${name}`,
    cost: forwards * canvas,
    schema: outcomeSchema,
    async run(lab) {
      const options = { ...taskMode(model.manifest.modes), recipe, maxNewTokens: cells };
      const done = await runToEnd({ kind: "generate", prompt, options }, lab);
      const found = finalAnswer(done.text ?? "");
      return {
        canvas,
        task,
        contestant: name,
        prompt,
        answer: found,
        right: found === finalAnswer(answer),
        forwards: done.nfe,
        rows: done.rows,
        tokens: done.effectiveTokens,
        ms: done.ms ?? 0,
      };
    },
  };
}
