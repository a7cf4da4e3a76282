import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { dataHash } from "../harness/identity.ts";
import type { Journal } from "../harness/journal.ts";
import { createProgress } from "../harness/progress.ts";
import type { TaskPrompt } from "../harness/task-prompts.ts";
import { type BenchPage, openBenchPage } from "./browser.ts";
import { BEYOND, type Contestant } from "./contestants.ts";
import { race, raceBeyond, respond } from "./race.ts";
import { writeSameShape } from "./same-shape.ts";
import { beyondSchema, namedAnswerSchema, type Standing, standingsOf } from "./standing.ts";

const aboutSchema = v.object({
  /** When it was measured, ISO 8601. */
  measured: v.string(),
  /** On what, for people. */
  reason: v.string(),
  chromium: v.string(),
});
const racedSchema = v.object({ ...aboutSchema.entries, answers: v.array(namedAnswerSchema) });
const longerSchema = v.object({ ...aboutSchema.entries, beyond: beyondSchema });

type About = v.InferOutput<typeof aboutSchema>;
export type Longer = v.InferOutput<typeof longerSchema>;

/** A canvas, as far as it got. */
export interface Race {
  readonly canvas: number;
  readonly prompts: number;
  readonly planned: number;
  /** Of the first and of the last prompt. */
  readonly from: About;
  readonly to: About;
  readonly standings: readonly Standing[];
}

export interface RacePlan {
  readonly canvases: readonly number[];
  readonly prompts: readonly TaskPrompt[];
  /** For the canvas that the model does not have. */
  readonly beyondPrompts: readonly TaskPrompt[];
  readonly contestants: readonly Contestant[];
  readonly best: Readonly<Record<string, unknown>>;
  /** Of the embedded model. */
  readonly manifest: Parameters<typeof writeSameShape>[1];
  /** Folder of the twin, and a hash of its weights where it has some. */
  readonly twin: { readonly folder: string; readonly hash: string | undefined };
  /** Of weights, code and runtime, as all measurements have it. */
  readonly identity: readonly string[];
  readonly journal: Journal;
  readonly signal: AbortSignal;
  status(text: string): void;
  /** Asked before each prompt: true leaves it for another sitting. */
  isOver(): boolean;
}

export interface RaceResults {
  readonly races: readonly Race[];
  readonly longer: Longer | null;
  /** Everything that was asked for is there. */
  readonly isWhole: boolean;
}

/**
 * The race on each canvas, prompt by prompt, contestants in turns on each. A prompt is measured in one sitting and kept;
 * those that the journal has are taken from there.
 *
 * @param mayMeasure false: only what the journal has
 */
export async function racePart(plan: RacePlan, mayMeasure: boolean): Promise<RaceResults> {
  const { canvases, prompts, beyondPrompts, contestants, journal } = plan;
  const code = await Promise.all(
    ["naive.ts", "page.ts"].map((name) => readFile(new URL(name, import.meta.url), "utf8")),
  );
  const key = (canvas: number, what: unknown) => [
    ...plan.identity,
    "race",
    dataHash([code, contestants, plan.best, plan.twin.hash ?? "", what]),
    String(canvas),
  ];
  const keys: Keys = {
    prompt: (canvas, number) => key(canvas, [number, prompts[number]]),
    longer: key(BEYOND, beyondPrompts),
  };
  if (mayMeasure) await measureMissing(plan, keys);
  const races = canvases.flatMap((canvas): Race[] => {
    const found = prompts.flatMap((prompt, number) => {
      const kept = journal.find(keys.prompt(canvas, number), racedSchema);
      return kept === undefined ? [] : [{ ...kept, prompt }];
    });
    if (found.length === 0) return [];
    const standings = standingsOf(
      contestants.map(({ name }) => name),
      canvas,
      found,
    );
    const about = ({ measured, reason, chromium }: About): About => ({ measured, reason, chromium });
    const [from, to] = [about(found[0]!), about(found.at(-1)!)];
    return [{ canvas, prompts: found.length, planned: prompts.length, from, to, standings }];
  });
  const longer = journal.find(keys.longer, longerSchema) ?? null;
  const isWhole =
    races.length === canvases.length &&
    races.every((race) => race.prompts === race.planned) &&
    longer !== null;
  return { races, longer, isWhole };
}

interface Keys {
  prompt(canvas: number, number: number): readonly string[];
  readonly longer: readonly string[];
}

async function measureMissing(plan: RacePlan, keys: Keys): Promise<void> {
  const { canvases, prompts, beyondPrompts, contestants, journal, signal, isOver } = plan;
  const missing = canvases.flatMap((canvas) =>
    [...prompts.entries()].flatMap(([number, { prompt }]) => {
      const name = keys.prompt(canvas, number);
      return journal.find(name, racedSchema) === undefined ? [{ canvas, number, prompt, name }] : [];
    }),
  );
  const lacksLonger = journal.find(keys.longer, longerSchema) === undefined;
  if ((missing.length === 0 && !lacksLonger) || isOver()) return;
  await using scratch = await scratchFolder();
  plan.status("a model of the same shape");
  await using page = await openPage(plan, await writeSameShape(scratch.path, plan.manifest));
  // Forwards are about as many as cells, each of so many rows.
  const total = missing.reduce((sum, { canvas }) => sum + canvas ** 2, 0);
  const progress = createProgress(total, () => performance.now(), plan.status);
  const about = (): About => ({ ...page.about, measured: new Date().toISOString() });
  const begin = (label: string) => progress.begin(label);
  // Kernels and memory are made with the first run.
  for (const contestant of contestants) await respond(page, contestant, prompts[0]!.prompt, 96);
  for (const { canvas, number, prompt, name } of missing) {
    if (isOver()) return;
    const answers = await race(page, contestants, prompt, number, { canvas, signal, begin });
    journal.store(name, { ...about(), answers });
    progress.done(canvas ** 2, true);
  }
  if (!lacksLonger || isOver()) return;
  const beyond = await raceBeyond(page, beyondPrompts, { canvas: BEYOND, signal, begin });
  journal.store(keys.longer, { ...about(), beyond });
}

/** A page that has everything open. */
async function openPage(
  { twin, status }: RacePlan,
  random: string,
): Promise<BenchPage & { about: Omit<About, "measured"> }> {
  status("opening Chromium");
  const page = await openBenchPage(twin.folder, random);
  try {
    const { reason } = await page.call("open", twin.hash !== undefined);
    return { ...page, about: { reason, chromium: page.version } };
  } catch (error) {
    await page[Symbol.asyncDispose]();
    throw error;
  }
}

async function scratchFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "unmask-bench-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
