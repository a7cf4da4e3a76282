import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import type { Manifest } from "../../src/model/manifest.ts";
import { dataHash } from "../harness/identity.ts";
import type { Journal } from "../harness/journal.ts";
import { createProgress } from "../harness/progress.ts";
import type { TaskPrompt } from "../harness/task-prompts.ts";
import { type BenchPage, openBenchPage } from "./browser.ts";
import { BEYOND, type Contestant } from "./contestants.ts";
import { race, raceBeyond, respond } from "./race.ts";
import { writeSameShape } from "./same-shape.ts";
import { beyondSchema, standingSchema } from "./standing.ts";

const aboutSchema = v.object({
  /** When it was measured, ISO 8601. */
  measured: v.string(),
  /** On what, for people. */
  reason: v.string(),
  chromium: v.string(),
});
const raceSchema = v.object({ ...aboutSchema.entries, standings: v.array(standingSchema) });
const longerSchema = v.object({ ...aboutSchema.entries, beyond: beyondSchema });

type About = v.InferOutput<typeof aboutSchema>;
export type Race = v.InferOutput<typeof raceSchema>;
export type Longer = v.InferOutput<typeof longerSchema>;

export interface RacePlan {
  readonly canvases: readonly number[];
  readonly prompts: readonly TaskPrompt[];
  /** For the canvas that the model does not have; none leaves it out. */
  readonly beyondPrompts: readonly TaskPrompt[];
  readonly contestants: readonly Contestant[];
  readonly best: Readonly<Record<string, unknown>>;
  /** Of the embedded model. */
  readonly manifest: Manifest;
  /** Folder of the twin, and a hash of its weights where it has some. */
  readonly twin: { readonly folder: string; readonly hash: string | undefined };
  /** Of weights, code and runtime, as all measurements have it. */
  readonly identity: readonly string[];
  readonly journal: Journal;
  readonly signal: AbortSignal;
  status(text: string): void;
  /** Asked before each canvas: true leaves it for another sitting. */
  isOver(): boolean;
}

export interface RaceResults {
  readonly races: readonly Race[];
  readonly longer: Longer | null;
  /** Every canvas that was asked for is there. */
  readonly isWhole: boolean;
}

/**
 * The race on each canvas, contestants in turns. A canvas is measured in one sitting and kept; those that the journal has
 * are taken from there.
 *
 * @param mayMeasure false: only what the journal has
 */
export async function racePart(plan: RacePlan, mayMeasure: boolean): Promise<RaceResults> {
  const { canvases, prompts, beyondPrompts, contestants, journal, best } = plan;
  const code = await Promise.all(
    ["naive.ts", "page.ts"].map((name) => readFile(new URL(name, import.meta.url), "utf8")),
  );
  const key = (...more: string[]) => [
    ...plan.identity,
    "race",
    dataHash([code, prompts, beyondPrompts, contestants, best, plan.twin.hash ?? ""]),
    ...more,
  ];
  const wantsLonger = beyondPrompts.length > 0;
  const raceOf = (canvas: number) => journal.find(key(String(canvas)), raceSchema);
  const longer = () => (wantsLonger ? journal.find(key(`${BEYOND}`), longerSchema) : undefined);
  const isWhole = () =>
    canvases.every((canvas) => raceOf(canvas) !== undefined) && wantsLonger === (longer() !== undefined);
  if (mayMeasure && !isWhole()) {
    await using scratch = await scratchFolder();
    plan.status("a model of the same shape");
    const random = wantsLonger ? await writeSameShape(scratch.path, plan.manifest) : scratch.path;
    await using page = await openPage(plan, random);
    const progress = createProgress(costOf(plan), () => performance.now(), plan.status);
    const about = (): About => ({ ...page.about, measured: new Date().toISOString() });
    const begin = (label: string) => progress.begin(label);
    for (const contestant of contestants) await respond(page, contestant, prompts[0]!.prompt, 96);
    for (const canvas of canvases) {
      const isKnown = raceOf(canvas) !== undefined;
      if (!isKnown && plan.isOver()) continue;
      if (!isKnown) {
        const standings = await race(page, { ...plan, canvas, begin });
        journal.store(key(String(canvas)), { ...about(), standings });
      }
      progress.done(canvas ** 2 * prompts.length, !isKnown);
    }
    if (wantsLonger && longer() === undefined && !plan.isOver()) {
      const beyond = await raceBeyond(page, best, {
        prompts: beyondPrompts,
        canvas: BEYOND,
        signal: plan.signal,
        begin,
      });
      journal.store(key(`${BEYOND}`), { ...about(), beyond });
    }
  }
  return {
    races: canvases.flatMap((canvas) => raceOf(canvas) ?? []),
    longer: longer() ?? null,
    isWhole: isWhole(),
  };
}

/** Forwards are about as many as cells, each of so many rows. */
function costOf({ canvases, prompts }: RacePlan): number {
  return canvases.reduce((sum, canvas) => sum + canvas ** 2 * prompts.length, 0);
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
