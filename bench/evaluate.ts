import type { CommandIo, CommandOutcome, OptionValues } from "../src/cli/command.ts";
import { readHeldOut } from "./eval/corpus.ts";
import { isSkip, type PartResult, type PlannedPart } from "./eval/part.ts";
import { otherModels, planPart } from "./eval/plan-part.ts";
import { isStandard, type PartName, type Settings, settingsOf } from "./eval/settings.ts";
import { measurementCode } from "./harness/identity.ts";
import type { Lab } from "./harness/lab.ts";
import { type OpenLab, openLab } from "./harness/open-lab.ts";
import { createProgress } from "./harness/progress.ts";
import { reportName, writeReport } from "./harness/report.ts";
import { markdownTable, type Table } from "./harness/table.ts";
import { type Target, targetTable } from "./harness/targets.ts";

/** Where the code of the parts begins: what was measured by other code is measured again. */
const CODE = ["nelbo", "infill", "tasks", "stories", "quantisation", "precision"].map(
  (name) => `bench/eval/${name}.ts`,
);

/**
 * `unmask eval`: what a bundle can do, on text and prompts it was not trained on. A run that was stopped goes on where
 * it was; what is missing on this machine is left out with its reason.
 *
 * @throws UnmaskError
 */
export async function evaluate(values: OptionValues, io: CommandIo): Promise<CommandOutcome> {
  await using open = await openLab(values, io);
  const { info, manifest } = open.model;
  const settings = await settingsOf(values, manifest.name);
  const intro = `${info.name}, weights ${info.variant}. Runtime: ${open.runtime.reason}`;
  io.print(intro);
  const began = performance.now();
  const identity = [...open.identity, await measurementCode(CODE)];
  const { json, tables, skipped } = await measureParts(settings, { ...open, identity }, values, io);
  const seconds = Math.round((performance.now() - began) / 1000);
  const document = {
    model: info.name,
    variant: info.variant,
    runtime: open.runtime.kind,
    reason: open.runtime.reason,
    identity,
    quick: values["quick"] === true,
    skipped,
    parts: json,
  };
  const out = values["out"];
  if (typeof out === "string") {
    const isWhole = isStandard(values) && skipped.length === 0;
    const name = reportName("eval", values["quick"] === true, isWhole);
    const left = skipped.map((why) => `Left out: ${why}.`);
    const markdown = { title: `Evaluation of ${info.name}`, intro: [intro, ...left], tables };
    io.print(`written: ${(await writeReport(out, name, document, markdown)).join(", ")}`);
  }
  io.print(`${seconds} s`);
  return { json: { ...document, seconds } };
}

async function measureParts(settings: Settings, open: OpenLab, values: OptionValues, io: CommandIo) {
  const closing: AsyncDisposable[] = [];
  const skipped = new Set<string>();
  try {
    const planned: { name: PartName; part: PlannedPart }[] = [];
    const { text, missing } = await readHeldOut(settings.data);
    for (const entry of missing) skipped.add(entry.skipped);
    const others = otherModels(settings, open, values, io, closing);
    for (const name of settings.parts) {
      const part = await planPart(name, settings, open, text, others);
      if (isSkip(part)) skipped.add(part.skipped);
      else planned.push({ name, part });
    }
    for (const why of skipped) io.print(`left out: ${why}`);
    const total = planned.reduce((sum, { part }) => sum + part.cost, 0);
    const progress = createProgress(total, () => performance.now(), io.status);
    const lab: Lab = { ...open, progress };
    const json: Record<string, PartResult["json"]> = {};
    const tables: Table[] = [];
    const targets: Target[] = [];
    const show = (table: Table) => {
      tables.push(table);
      io.status("");
      io.print(markdownTable(table));
    };
    for (const { name, part } of planned) {
      const result = await part.measure(lab);
      json[name] = result.json;
      targets.push(...(result.targets ?? []));
      show(result.table);
    }
    if (targets.length > 0) {
      json["targets"] = { targets };
      show(targetTable(targets));
    }
    return { json, tables, skipped: [...skipped] };
  } finally {
    for (const entry of closing) await entry[Symbol.asyncDispose]();
  }
}
