import { fileURLToPath } from "node:url";
import type { CommandIo, CommandOutcome, OptionValues } from "../src/cli/command.ts";
import { modelOption, recipeOption } from "../src/cli/generation-options.ts";
import { UnmaskError } from "../src/core/errors.ts";
import { nearest } from "../src/core/nearest.ts";
import { readHeldOut } from "./eval/corpus.ts";
import { planInfill } from "./eval/infill.ts";
import { planNelbo } from "./eval/nelbo.ts";
import { openQuantised } from "./eval/open-quantised.ts";
import { isSkip, type PartResult, type PlannedPart, type Skip } from "./eval/part.ts";
import { planQuantisation } from "./eval/quantisation.ts";
import { planStories } from "./eval/stories.ts";
import { planTasks } from "./eval/tasks.ts";
import { openTwin, TWIN_FOLDER } from "./eval/twin.ts";
import { countOption } from "./harness/counts.ts";
import type { Lab } from "./harness/lab.ts";
import { type OpenLab, openLab } from "./harness/open-lab.ts";
import { createProgress } from "./harness/progress.ts";
import { reportName, writeReport } from "./harness/report.ts";
import { markdownTable, type Table } from "./harness/table.ts";
import { readTaskPrompts, type TaskPrompt } from "./harness/task-prompts.ts";

/** Parts in the order they run: the quick ones first. */
const PARTS = ["nelbo", "infill", "quantisation", "tasks", "stories"] as const;
type PartName = (typeof PARTS)[number];

const FULL = {
  documents: 64,
  draws: 64,
  gaps: 64,
  gapDraws: 16,
  limit: 300,
  length: 64,
  samples: 50,
  story: 224,
  runs: 24,
};
/** Everything in about two minutes on two cores: shows that it works, measures nothing well. */
const QUICK = {
  documents: 3,
  draws: 16,
  gaps: 2,
  gapDraws: 4,
  limit: 2,
  length: 48,
  samples: 1,
  story: 64,
  runs: 2,
};

interface Settings {
  readonly sizes: typeof FULL;
  readonly parts: readonly PartName[];
  readonly prompts: ReadonlyMap<string, readonly TaskPrompt[]>;
  readonly recipe: unknown;
  /** Folder of the collected text. */
  readonly data: string;
  readonly reference: string | undefined;
  /** Folder of the autoregressive twin. */
  readonly companion: string;
}

/**
 * `unmask eval`: what a bundle can do, on text and prompts it was not trained on. A run that was stopped goes on where
 * it was; what is missing on this machine is left out with its reason.
 *
 * @throws UnmaskError
 */
export async function evaluate(values: OptionValues, io: CommandIo): Promise<CommandOutcome> {
  const settings = await settingsOf(values);
  await using open = await openLab(values, io);
  const { info } = open.model;
  io.print(`${info.name}, weights ${info.variant}. Runtime: ${open.runtime.reason}`);
  const began = performance.now();
  const { json, tables, skipped } = await measureParts(settings, open, values, io);
  const about = {
    model: info.name,
    variant: info.variant,
    runtime: open.runtime.kind,
    reason: open.runtime.reason,
  };
  const seconds = Math.round((performance.now() - began) / 1000);
  const document = {
    ...about,
    identity: open.identity,
    quick: values["quick"] === true,
    skipped,
    parts: json,
  };
  const out = values["out"];
  if (typeof out === "string") {
    const isWhole = ["parts", "limit", "tasks", "prompts"].every((option) => values[option] === undefined);
    const name = reportName("eval", values["quick"] === true, isWhole);
    const intro = `${info.name}, weights ${info.variant}. Runtime: ${open.runtime.reason}`;
    const markdown = {
      title: `Evaluation of ${info.name}`,
      intro: [intro, ...skipped.map((why) => `Left out: ${why}.`)],
      tables,
    };
    io.print(`written: ${(await writeReport(out, name, document, markdown)).join(", ")}`);
  }
  io.print(`${seconds} s`);
  return { json: { ...document, seconds } };
}

async function settingsOf(values: OptionValues): Promise<Settings> {
  const defaults = values["quick"] === true ? QUICK : FULL;
  const limit = countOption(values, "limit", defaults.limit);
  const length = countOption(values, "length", defaults.length);
  const text = (name: string) => (typeof values[name] === "string" ? values[name] : undefined);
  return {
    sizes: { ...defaults, limit, length },
    parts: chooseParts(text("parts")),
    prompts: await readTaskPrompts(values["prompts"], values["tasks"], limit),
    recipe: await recipeOption(values),
    data: text("data") ?? fileURLToPath(new URL("../../shared/data", import.meta.url)),
    reference: text("reference"),
    companion: text("companion") ?? TWIN_FOLDER,
  };
}

function chooseParts(list: string | undefined): readonly PartName[] {
  if (list === undefined) return PARTS;
  return list.split(",").map((name) => {
    const found = PARTS.find((part) => part === name.trim());
    if (found !== undefined) return found;
    const near = nearest(name.trim(), PARTS);
    throw new UnmaskError(
      "invalid-options",
      `There is no part "${name.slice(0, 40)}". Did you mean "${near}"?`,
      {
        detail: { option: "parts" },
      },
    );
  });
}

async function measureParts(settings: Settings, open: OpenLab, values: OptionValues, io: CommandIo) {
  const closing: AsyncDisposable[] = [];
  const skipped: string[] = [];
  try {
    const planned: { name: PartName; part: PlannedPart }[] = [];
    const { text, missing } = await readHeldOut(settings.data);
    skipped.push(...missing.map((entry) => entry.skipped));
    for (const name of PARTS.filter((part) => settings.parts.includes(part))) {
      const part = await planPart(name, settings, open, text, values, io, closing);
      if (isSkip(part)) skipped.push(part.skipped);
      else planned.push({ name, part });
    }
    for (const why of skipped) io.print(`left out: ${why}`);
    const total = planned.reduce((sum, { part }) => sum + part.cost, 0);
    const progress = createProgress(total, () => performance.now(), io.status);
    const lab: Lab = { ...open, progress };
    const json: Record<string, PartResult["json"]> = {};
    const tables: Table[] = [];
    for (const { name, part } of planned) {
      const result = await part.measure(lab);
      json[name] = result.json;
      tables.push(result.table);
      io.status("");
      io.print(markdownTable(result.table));
    }
    return { json, tables, skipped };
  } finally {
    for (const entry of closing) await entry[Symbol.asyncDispose]();
  }
}

async function planPart(
  name: PartName,
  { sizes, prompts, recipe, data, reference, companion }: Settings,
  { model, runtime }: OpenLab,
  text: Awaited<ReturnType<typeof readHeldOut>>["text"],
  values: OptionValues,
  io: CommandIo,
  closing: AsyncDisposable[],
): Promise<PlannedPart | Skip> {
  switch (name) {
    case "nelbo":
      return planNelbo(model, text, sizes);
    case "infill":
      return planInfill(model, text, {
        gaps: sizes.gaps,
        draws: sizes.gapDraws,
        recipe: recipe ?? { preset: "llada" },
      });
    case "tasks":
      return planTasks(model, prompts, { recipe: recipe ?? { preset: "llada" }, length: sizes.length });
    case "stories": {
      const beginnings = text.get("core") ?? text.get("worlds") ?? [];
      const chosen = recipe ?? model.manifest.recipes["default"] ?? { preset: "llada" };
      const ort = await runtime.platform.loadOrt("wasm", undefined);
      const twin = await openTwin(companion, model.manifest.files, ort);
      if (!isSkip(twin)) closing.push(twin);
      return planStories(model, beginnings, {
        twin,
        samples: sizes.samples,
        length: sizes.story,
        recipe: chosen,
        data,
      });
    }
    case "quantisation": {
      if (reference === undefined) {
        return { skipped: "quantisation against float32: name the checkpoint folder with --reference" };
      }
      const opened = await openQuantised(reference, modelOption(values), model, runtime, io);
      if (isSkip(opened)) return opened;
      closing.push(opened);
      // One prompt of each task in turn.
      const lists = [...prompts.values()];
      const mixed = Array.from(
        { length: sizes.runs },
        (_, i) => lists[i % lists.length]?.[Math.floor(i / lists.length)],
      );
      return planQuantisation(
        opened,
        mixed.flatMap((entry) => entry ?? []),
        sizes.length,
      );
    }
  }
}
