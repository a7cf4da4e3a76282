import * as v from "valibot";
import type { Companion } from "../../src/core/companion.ts";
import { isUnmaskError, UnmaskError } from "../../src/core/errors.ts";
import { buildPrompt } from "../../src/engine/ask/prompt.ts";
import { planGeneration } from "../../src/engine/plan/plan.ts";
import type { JobModel } from "../../src/engine/run/open-run.ts";
import { taskMode } from "../eval/tasks.ts";
import { TWIN_FOLDER } from "../eval/twin.ts";
import { dataHash } from "../harness/identity.ts";
import { runToEnd, type Unit } from "../harness/lab.ts";
import { finalAnswer, type TaskPrompt } from "../harness/task-prompts.ts";
import { type Contestant, FIXED, PLAIN } from "./contestants.ts";
import type { Outcome } from "./summary.ts";

const outcomeSchema = v.object({
  canvas: v.number(),
  task: v.string(),
  contestant: v.string(),
  prompt: v.string(),
  text: v.string(),
  right: v.boolean(),
  forwards: v.number(),
  branches: v.number(),
  rows: v.number(),
  tokens: v.number(),
  cells: v.number(),
  room: v.number(),
  seconds: v.number(),
  /** Tokens that the model wavered over. */
  doubts: v.number(),
});

/** Fewest cells that are left for a response; prompts with less room are left out of a canvas. */
const LEAST_CELLS = 32;
/** Forwards of a response, for the estimate of the time left. */
const USUAL_FORWARDS = { plain: 28, other: 16 };

export interface DuelOptions {
  /** Ascending. */
  readonly canvases: readonly number[];
  readonly prompts: ReadonlyMap<string, readonly TaskPrompt[]>;
  /** The first canvas gets every prompt of a task, the others one of so many. */
  readonly thinning: number;
  /** Code of a preset; see identity.ts. */
  readonly codeOf: ReadonlyMap<string, string>;
  readonly twin: CompanionTwin | undefined;
}

/** The autoregressive twin as a companion. */
export interface CompanionTwin {
  readonly companion: Companion;
  /** Hash of its weights. */
  readonly identity: string;
}

/** One prompt of each task on one canvas: what is measured alike or not at all. */
export interface Round {
  readonly canvas: number;
  readonly contestants: number;
  readonly units: readonly Unit<Outcome>[];
}

/**
 * Every contestant on every prompt and canvas, in rounds: a run that is stopped has measured all tasks and contestants
 * alike. Within a round prompt by prompt, contestants in turn: what else the machine does meets all of them.
 */
export function duelRounds(
  model: JobModel,
  contestants: readonly Contestant[],
  options: DuelOptions,
): Round[] {
  const { canvases, prompts, thinning } = options;
  const most = Math.max(0, ...[...prompts.values()].map((list) => list.length));
  return Array.from({ length: most }, (_, round) =>
    canvases
      .filter((_canvas, at) => at === 0 || round % thinning === 0)
      .map((canvas): Round => {
        const present = contestants.filter(
          ({ rounds, shortest }) =>
            (shortest !== true || canvas === canvases[0]) &&
            (rounds === undefined || round % rounds.every === rounds.first),
        );
        const units = [...prompts.values()].flatMap((list) => {
          const entry = list[round];
          if (entry === undefined || roomFor(model, entry, canvas) < LEAST_CELLS) return [];
          return present.map((contestant) => unitOf(model, contestant, entry, canvas, options));
        });
        return { canvas, contestants: present.length, units };
      }),
  )
    .flat()
    .filter(({ units }) => units.length > 0);
}

/** Contestants that can run on this bundle, beside this twin, and why the others cannot. */
export function fitting(
  model: JobModel,
  contestants: readonly Contestant[],
  twin: CompanionTwin | undefined,
) {
  const able: Contestant[] = [];
  const unable: { readonly name: string; readonly reason: string }[] = [];
  for (const contestant of contestants) {
    try {
      planGeneration(
        { recipe: recipeFor(contestant, "a draft"), maxNewTokens: LEAST_CELLS },
        model.manifest,
        {
          kind: "generate",
          promptCells: 16,
        },
        { hasCompanion: contestant.companion === true },
      );
      if (contestant.companion === true && twin === undefined) {
        throw new UnmaskError(
          "not-found",
          `There is no twin at ${TWIN_FOLDER} (--companion names its folder).`,
        );
      }
      able.push(contestant);
    } catch (error) {
      if (!isUnmaskError(error)) throw error;
      unable.push({ name: contestant.name, reason: error.message });
    }
  }
  return { able, unable };
}

function recipeFor({ recipe, draft }: Contestant, response: string): Readonly<Record<string, unknown>> {
  if (draft === undefined) return recipe;
  // With the space that the model puts before a response.
  return { ...recipe, init: { draft: ` ${draft(response)}`, ...(recipe["init"] as object | undefined) } };
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
  contestant: Contestant,
  entry: TaskPrompt,
  canvas: number,
  { codeOf, twin }: Pick<DuelOptions, "codeOf" | "twin">,
): Unit<Outcome> {
  const { name, start } = contestant;
  const { task, prompt, answer } = entry;
  const room = roomFor(model, entry, canvas);
  const cells = Math.min(start ?? room, room);
  const recipe = recipeFor(contestant, entry.response ?? answer);
  const forwards = name === FIXED ? cells : name === PLAIN ? USUAL_FORWARDS.plain : USUAL_FORWARDS.other;
  return {
    key: [
      "strategies",
      String(canvas),
      task,
      prompt,
      answer,
      String(cells),
      JSON.stringify(recipe),
      codeOf.get(String(recipe["preset"]))!,
      ...(recipe["preset"] === "learn2pd" ? [dataHash(model.manifest.filters)] : []),
      ...(contestant.companion === true && twin !== undefined ? [twin.identity] : []),
    ],
    label: `canvas of ${canvas}, ${task}, ${name}`,
    cost: forwards * canvas,
    // Two contestants may begin with the same draft: the journal knows the response by whoever wrote it first.
    schema: v.pipe(
      outcomeSchema,
      v.transform((outcome) => ({ ...outcome, contestant: name })),
    ),
    async run(lab) {
      // A decoder that finds the length by itself may write past its start.
      const length =
        start === undefined ? { recipe, maxNewTokens: cells } : { recipe: { ...recipe, length: cells } };
      const options = { ...taskMode(model.manifest.modes), ...length };
      const before = process.cpuUsage();
      const spared = lab.spared();
      const asked = contestant.companion === true && twin !== undefined ? { companion: twin.companion } : {};
      const done = await runToEnd({ kind: "generate", prompt, options }, lab, asked);
      const { user, system } = process.cpuUsage(before);
      // A vote decides on an answer and leaves the text as it is.
      const text = done.search?.votes?.[0]?.answer ?? done.text ?? "";
      return {
        canvas,
        task,
        contestant: name,
        prompt,
        text,
        right: finalAnswer(text) === finalAnswer(answer),
        forwards: done.nfe,
        branches: done.branchNfe ?? done.nfe,
        rows: done.rows,
        tokens: done.effectiveTokens,
        cells: done.tokens.length,
        room,
        seconds: (user + system) / 1e6 + lab.spared() - spared,
        doubts: done.doubts?.length ?? 0,
      };
    },
  };
}
