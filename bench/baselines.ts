import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { BenchOptions } from "../src/cli/bench.ts";
import { recipeOption } from "../src/cli/generate/generation-options.ts";
import { openCompanion } from "../src/companion/open-companion.ts";
import { UnmaskError } from "../src/core/errors.ts";
import { accuracyPart, choicePart } from "./baselines/accuracy-part.ts";
import { CANDIDATES, cheapest } from "./baselines/choice.ts";
import { BEST, ladder, WITH_TWIN } from "./baselines/contestants.ts";
import { racePart } from "./baselines/race-part.ts";
import { accuracyTable, choiceTable, NOTES, raceTable, splitTable } from "./baselines/report.ts";
import { splitOf } from "./baselines/standing.ts";
import { baselineTargets } from "./baselines/targets.ts";
import { TWIN_FOLDER } from "./eval/twin.ts";
import { canvasOption, countOption, partsOption } from "./harness/counts.ts";
import { openLab } from "./harness/open-lab.ts";
import { reportName, writeReport } from "./harness/report.ts";
import { markdownTable, type Table } from "./harness/table.ts";
import { targetTable } from "./harness/targets.ts";
import { readTaskPrompts, type TaskPrompt } from "./harness/task-prompts.ts";

const FULL = { prompts: 10, beyond: 10, accuracy: 300, choice: 24, canvases: [128, 256, 512] };
const QUICK = { prompts: 2, beyond: 1, accuracy: 13, choice: 1, canvases: [96] };
const PARTS = ["race", "accuracy", "choose"] as const;
/** Canvas that recipes are chosen on. */
const CHOICE_CANVAS = 256;
/** Of each task the first prompts are measured, those from here on choose, and a few before them recognise a recipe. */
const CHOICE_FROM = 100;
const PROBES_FROM = 95;
const PROBES = 4;

/**
 * The engine against what others do with the same weights: the naive loop, step by step up to the best recipe, and the
 * autoregressive twin through transformers.js. Wall clock in a real Chromium on WASM, canvas by canvas; accuracy over many
 * prompts on Node. Whatever is finished is kept: the same command goes on, and writes what there is.
 */
export async function runSuite({ quick, values, io }: BenchOptions) {
  const sizes = quick ? QUICK : FULL;
  const parts = partsOption(values["part"], PARTS) ?? PARTS;
  const canvases = canvasOption(values["canvas"]) ?? sizes.canvases;
  const best = ((await recipeOption(values)) ?? BEST) as Readonly<Record<string, unknown>>;
  if (typeof best !== "object") throw new UnmaskError("invalid-options", "--recipe is a JSON object here.");
  const minutes = values["minutes"] === undefined ? null : countOption(values, "minutes", 1);
  const until = minutes === null ? Number.POSITIVE_INFINITY : performance.now() + 60_000 * minutes;
  const isOver = () => performance.now() > until;
  const folder = resolve(typeof values["companion"] === "string" ? values["companion"] : TWIN_FOLDER);
  const weights = await readFile(join(folder, "onnx/model_quantized.onnx")).catch(() => undefined);
  const hash = weights && createHash("sha256").update(weights).digest("hex").slice(0, 16);
  const limit = countOption(values, "limit", sizes.accuracy);
  const all = await readTaskPrompts([values["prompts"]], values["tasks"], Number.POSITIVE_INFINITY);
  const measured = slices(all, 0, Math.ceil(limit / all.size));
  await using open = await openLab(values, io);
  const spare = mixed(slices(all, PROBES_FROM, CHOICE_FROM), PROBES);
  const probes = spare.length > 0 ? spare : mixed(measured, PROBES);
  const plan = { open, probes, status: io.status };

  const { races, longer, isWhole } = await racePart(
    {
      ...{ canvases, best, isOver, status: io.status },
      ...{ identity: open.identity, journal: open.journal, signal: io.signal },
      prompts: mixed(measured, sizes.prompts),
      beyondPrompts: mixed(measured, sizes.beyond),
      contestants: [...ladder(best), ...(hash === undefined ? [] : WITH_TWIN)],
      manifest: open.model.manifest,
      twin: { folder, hash },
    },
    parts.includes("race"),
  );
  const later = (part: (typeof PARTS)[number]) => (parts.includes(part) ? isOver : () => true);
  const companion = hash === undefined ? undefined : await openCompanion({ model: folder });
  const accuracy = await accuracyPart(
    { ...plan, isOver: later("accuracy") },
    measured,
    canvases,
    best,
    companion && { companion: companion.companion, hash: hash! },
  ).finally(() => companion?.[Symbol.asyncDispose]());
  const candidates = await choicePart(
    { ...plan, isOver: later("choose") },
    slices(all, CHOICE_FROM, CHOICE_FROM + sizes.choice),
    quick ? CANDIDATES.slice(0, 3) : CANDIDATES,
    CHOICE_CANVAS,
  );
  const chosen = cheapest(candidates);
  io.status("");

  const standings = races.map((race) => race.standings);
  const targets = baselineTargets(standings.flat(), accuracy);
  const isDone = isWhole && accuracy.every(({ prompts, planned }) => prompts === planned);
  const tables: Table[] = [
    targetTable(targets),
    ...races.map(raceTable),
    ...(standings.length === 0 ? [] : [splitTable(standings, longer?.beyond ?? null)]),
    ...accuracy.filter(({ prompts }) => prompts > 0).map(accuracyTable),
    ...(candidates.length === 0 ? [] : [choiceTable(CHOICE_CANVAS, candidates, chosen)]),
  ];
  const intro = [
    ...(isDone ? [] : ["**As far as it got; the same command goes on from here.**"]),
    `${open.model.info.name}. Best recipe: ${JSON.stringify(best)}.`,
    ...races.map(
      ({ canvas, from, to }) =>
        `Race at a canvas of ${canvas}: weights int8. ${from.reason} Chromium ${from.chromium}, ${from.measured} to ${to.measured}.`,
    ),
    `Accuracy: weights ${open.model.info.variant}. ${open.runtime.reason}`,
    ...NOTES,
    ...(hash === undefined ? [`No autoregressive twin in ${folder}: it is left out.`] : []),
  ];
  const json = {
    model: open.model.info.name,
    quick,
    best,
    targets,
    races,
    splits: standings.map((list) => ({ canvas: list[0]?.canvas, ...splitOf(list) })),
    longer,
    accuracy,
    accuracyVariant: open.model.info.variant,
    accuracyRuntime: open.runtime.kind,
    candidates,
    chosen: chosen?.recipe ?? null,
    identity: open.identity,
  };
  const lines = [...intro, "", ...tables.map(markdownTable)];
  if (typeof values["out"] === "string") {
    const isFull = ["limit", "tasks", "prompts", "canvas"].every((name) => values[name] === undefined);
    const report = { title: `Baselines of ${open.model.info.name}`, intro, tables };
    const name = reportName("baselines", quick, isFull);
    lines.push(`written: ${(await writeReport(values["out"], name, json, report)).join(", ")}`);
  }
  return { json, lines };
}

type Prompts = ReadonlyMap<string, readonly TaskPrompt[]>;

/** Some prompts of each task that has as many. */
function slices(all: Prompts, from: number, to: number): Prompts {
  return new Map(
    [...all].flatMap(([task, list]) => (list.length > from ? [[task, list.slice(from, to)] as const] : [])),
  );
}

/** One prompt of each task in turn. */
function mixed(all: Prompts, count: number): readonly TaskPrompt[] {
  const lists = [...all.values()];
  const rounds = Math.max(0, ...lists.map((list) => list.length));
  const turns = Array.from({ length: rounds }, (_, round) => lists.flatMap((list) => list[round] ?? []));
  return turns.flat().slice(0, count);
}
