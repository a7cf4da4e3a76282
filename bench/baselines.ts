import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { BenchOptions } from "../src/cli/bench.ts";
import { recipeOption } from "../src/cli/generation-options.ts";
import { openCompanion } from "../src/companion/open-companion.ts";
import { UnmaskError } from "../src/core/errors.ts";
import { accuracyUnits } from "./baselines/accuracy.ts";
import { type BenchPage, openBenchPage } from "./baselines/browser.ts";
import { BEST, ladder, naiveBeyond, type Standing, splitOf, WITH_TWIN } from "./baselines/contestants.ts";
import { race, respond } from "./baselines/race.ts";
import { accuracyTable, NOTES, raceTables } from "./baselines/report.ts";
import { TWIN_FOLDER } from "./eval/twin.ts";
import { countOption } from "./harness/counts.ts";
import { openLab } from "./harness/open-lab.ts";
import { createProgress } from "./harness/progress.ts";
import { reportName, writeReport } from "./harness/report.ts";
import { markdownTable } from "./harness/table.ts";
import { readTaskPrompts, type TaskPrompt } from "./harness/task-prompts.ts";

const CANVASES = [128, 256, 512];
const FULL = { prompts: 10, accuracy: 300 };
const QUICK = { prompts: 2, accuracy: 13 };

/**
 * The engine against what others do with the same weights: the naive loop, step by step up to the best recipe, and the
 * autoregressive twin through transformers.js. Wall clock in a real Chromium on WASM; accuracy over many prompts on Node,
 * which is resumable.
 */
export async function runSuite({ quick, values, io }: BenchOptions) {
  const sizes = quick ? QUICK : FULL;
  const canvases = quick ? [96] : CANVASES;
  const best = ((await recipeOption(values)) ?? BEST) as Readonly<Record<string, unknown>>;
  if (typeof best !== "object") throw new UnmaskError("invalid-options", "--recipe is a JSON object here.");
  const folder = resolve(typeof values["companion"] === "string" ? values["companion"] : TWIN_FOLDER);
  const weights = await readFile(join(folder, "onnx/model_quantized.onnx")).catch(() => undefined);
  const limit = countOption(values, "limit", sizes.accuracy);
  const all = await readTaskPrompts(values["prompts"], values["tasks"], Math.ceil(limit / 13));
  const contestants = [...ladder(best), ...(weights === undefined ? [] : WITH_TWIN)];
  const warnings = weights === undefined ? [`No autoregressive twin in ${folder}: it is left out.`] : [];

  io.status("opening Chromium");
  const { standings, about } = await inBrowser(folder, weights !== undefined, async (page, opened) => {
    const prompts = mixed(all, sizes.prompts);
    const cost = canvases.reduce((sum, canvas) => sum + canvas * prompts.length * contestants.length, 0);
    const progress = createProgress(cost, () => performance.now(), io.status);
    const found: Standing[] = [];
    for (const contestant of contestants) await respond(page, contestant, prompts[0]!.prompt, 96);
    for (const canvas of canvases) {
      const begin = (label: string) => progress.begin(label);
      found.push(...(await race(page, { prompts, canvas, contestants, signal: io.signal, begin })));
      progress.done(canvas * prompts.length * contestants.length, true);
    }
    return { standings: found, about: opened };
  });

  const companion = weights === undefined ? undefined : await openCompanion({ model: folder });
  try {
    await using open = await openLab(values, io);
    const reader =
      companion === undefined || weights === undefined
        ? undefined
        : {
            companion: companion.companion,
            hash: createHash("sha256").update(weights).digest("hex").slice(0, 16),
          };
    const planned = canvases.map((canvas) =>
      accuracyUnits(open, { prompts: all, canvas, best, twin: reader }),
    );
    const total = planned.reduce((sum, { cost }) => sum + cost, 0);
    const progress = createProgress(total, () => performance.now(), io.status);
    const accuracy = [];
    for (const plan of planned) accuracy.push(await plan.measure({ ...open, progress }));
    io.status("");
    const splits = canvases.map((canvas) => ({
      canvas,
      ...splitOf(standings.filter((entry) => entry.canvas === canvas).map(({ totalMs }) => totalMs)),
    }));
    const beyond = naiveBeyond(standings);
    const tables = [...raceTables(standings, splits, beyond), ...accuracy.map(accuracyTable)];
    const intro = [
      `${open.model.info.name}, weights int8. ${about.reason} Chromium ${about.version}. Best recipe: ${JSON.stringify(best)}.`,
      `Accuracy: weights ${open.model.info.variant}. ${open.runtime.reason}`,
      ...NOTES,
      ...warnings,
    ];
    const json = {
      model: open.model.info.name,
      quick,
      best,
      ...about,
      standings,
      splits,
      beyond,
      accuracy,
      accuracyRuntime: open.runtime.kind,
      identity: open.identity,
    };
    const lines = [...intro, "", ...tables.map(markdownTable)];
    if (typeof values["out"] === "string") {
      const isWhole = ["limit", "tasks", "prompts"].every((name) => values[name] === undefined);
      const report = { title: `Baselines of ${open.model.info.name}`, intro, tables };
      const name = reportName("baselines", quick, isWhole);
      lines.push(`written: ${(await writeReport(values["out"], name, json, report)).join(", ")}`);
    }
    return { json, lines };
  } finally {
    await companion?.[Symbol.asyncDispose]();
  }
}

/** Runs with a page that has everything open, and closes it. */
async function inBrowser<T>(
  folder: string,
  withTwin: boolean,
  work: (page: BenchPage, about: { readonly reason: string; readonly version: string }) => Promise<T>,
): Promise<T> {
  await using page = await openBenchPage(folder);
  const { reason } = await page.call("open", withTwin);
  return await work(page, { reason, version: page.version });
}

/** One prompt of each task in turn. */
function mixed(all: ReadonlyMap<string, readonly TaskPrompt[]>, count: number): readonly TaskPrompt[] {
  const lists = [...all.values()];
  const rounds = Math.max(0, ...lists.map((list) => list.length));
  const turns = Array.from({ length: rounds }, (_, round) => lists.flatMap((list) => list[round] ?? []));
  return turns.flat().slice(0, count);
}
