import type { BenchOptions } from "../src/cli/bench.ts";
import { UnmaskError } from "../src/core/errors.ts";
import { canvasOption, countOption } from "./harness/counts.ts";
import { groupBy } from "./harness/group-by.ts";
import { presetIdentity } from "./harness/identity.ts";
import { runUnits, totalCost } from "./harness/lab.ts";
import { openLab } from "./harness/open-lab.ts";
import { createProgress } from "./harness/progress.ts";
import { reportName, writeReport } from "./harness/report.ts";
import { markdownTable } from "./harness/table.ts";
import { readTaskPrompts } from "./harness/task-prompts.ts";
import { claimsSection } from "./strategies/claims-section.ts";
import { type Contestant, chooseContestants, FIXED, PLAIN } from "./strategies/contestants.ts";
import { duelRounds, fitting, type Round } from "./strategies/duel.ts";
import { accuracyChart, NOTES, standingTables } from "./strategies/report.ts";
import { ALL_TASKS, type Outcome, type Standing, standings } from "./strategies/summary.ts";
import { bestDecoder, targetTable } from "./strategies/targets.ts";

const CANVASES = [128, 256, 512];

/** Prompts a task from which on tasks are told apart. */
const DETAILED = 10;
/** The first canvas gets this many times the prompts of the others: 300 and 100 a task. */
const THINNING = 3;

/**
 * Every decoder on held-out tasks and canvases of several lengths, beside two baselines: LLaDA with one token a step at
 * fixed length, and the same with a plain stop at the end of the text. A run that was stopped goes on where it was, and
 * one whose `--minutes` are over reports the rounds that are whole. Several processes may take a `--share` each: they
 * write to one journal, from which a run without it then reports everything.
 */
export async function runSuite({ quick, values, io }: BenchOptions) {
  const limit = countOption(values, "limit", quick ? 2 : 300);
  const minutes = values["minutes"] === undefined ? null : countOption(values, "minutes", 1);
  const prompts = await readTaskPrompts([values["prompts"]], values["tasks"], limit);
  const canvases = canvasOption(values["canvas"]) ?? (quick ? [128] : CANVASES);
  await using open = await openLab(values, io);
  const { info, manifest } = open.model;
  const large = canvases.find((cells) => cells > manifest.maxCanvas);
  if (large !== undefined) {
    throw new UnmaskError(
      "invalid-options",
      `The model's canvas holds ${manifest.maxCanvas} cells, not ${large}.`,
    );
  }
  const asked = values["presets"] ?? (quick ? QUICK_DECODERS : undefined);
  const { able, unable } = fitting(open.model, chooseContestants(asked, manifest));
  const share = shareOf(values["share"], values["out"]);
  const rounds = duelRounds(open.model, able, {
    canvases,
    prompts,
    thinning: quick ? 1 : THINNING,
    codeOf: await codeOf(able),
  }).filter((_round, at) => at % share.of === share.index);
  const units = rounds.flatMap((round) => round.units);
  const progress = createProgress(totalCost(units), () => performance.now(), io.status);
  const until = minutes === null ? Number.POSITIVE_INFINITY : performance.now() + 60_000 * minutes;
  const outcomes: Outcome[] = [];
  const counts = new Map(canvases.map((canvas) => [canvas, 0]));
  for (const { canvas, contestants, units: wanted } of rounds) {
    const found = await runUnits(
      wanted,
      { ...open, identity: open.sharedIdentity, progress },
      () => performance.now() > until,
    );
    const isWhole = found.length === wanted.length;
    if (!isWhole && counts.get(canvas)! > 0) continue;
    // Of a canvas that has no whole round yet, the tasks that all contestants are done with.
    const done = [...groupBy(found, ({ task }) => task).values()].filter(
      (list) => list.length === contestants,
    );
    if (isWhole || !outcomes.some((outcome) => outcome.canvas === canvas)) outcomes.push(...done.flat());
    if (isWhole) counts.set(canvas, counts.get(canvas)! + 1);
  }
  const all = standings(outcomes);
  const overall = standingTables(all, "all tasks");
  const extent = extentOf(rounds, counts);
  const isDone = [...extent.values()].every(({ done, planned }) => done === planned);
  // What needs to know the answer or the task is nobody's default.
  const candidates = able.filter(
    ({ name, draft, recipe }) => draft === undefined && recipe["constraint"] === undefined && name !== FIXED,
  );
  const best = bestDecoder(
    all,
    candidates.map(({ name }) => name),
  );
  const detailed = all.filter(({ canvas }) => counts.get(canvas)! >= DETAILED);
  const intro = [
    ...(isDone ? [] : ["**As far as it got; the same command goes on from here.**"]),
    `${info.name}, weights ${info.variant}, ${prompts.size} tasks; prompts a task, as far as a task has as many: ${[...extent].map(([canvas, { done, planned }]) => `${done} of ${planned} on a canvas of ${canvas}`).join(", ")}. Runtime: ${open.runtime.reason}`,
    ...NOTES,
    ...(best === undefined
      ? []
      : [`Fewest forwards without a loss, by the rule of the targets: **${best}**.`]),
    ...unable.map(({ name, reason }) => `Not measured: ${name}. ${reason}`),
    ...agreement(all),
  ];
  const json = {
    model: info.name,
    variant: info.variant,
    runtime: open.runtime.kind,
    reason: open.runtime.reason,
    identity: open.sharedIdentity,
    limit,
    rounds: [...extent].map(([canvas, counts]) => ({ canvas, ...counts })),
    decoders: able,
    best: best ?? null,
    notMeasured: unable,
    standings: all,
  };
  const lines = [...intro, "", ...overall.map(markdownTable)];
  if (typeof values["out"] === "string") {
    const isWhole = ["limit", "canvas", "tasks", "presets"].every((name) => values[name] === undefined);
    const name = reportName("strategies", quick, isWhole);
    const plot = `![Exact answers against forwards](${name}.svg)\n`;
    const report = {
      title: `Decoders of ${info.name}`,
      intro: [...(quick || !isWhole ? ["**A part of the comparison: not a result.**"] : []), ...intro],
      tables: overall,
      sections: [
        plot,
        markdownTable(targetTable(all)),
        claimsSection(all, unable),
        "## Each task\n",
        ...(detailed.length === 0
          ? [`With ${DETAILED} prompts a task; strategies.json has what there is.`]
          : []),
        ...standingTables(detailed, "each task").map(markdownTable),
      ],
    };
    const chart = new Map([[`${name}.svg`, accuracyChart(all, info.name)]]);
    lines.push(`written: ${(await writeReport(values["out"], name, json, report, chart)).join(", ")}`);
  }
  return { json, lines };
}

/** Fingerprints of the presets that take part. */
async function codeOf(able: readonly Contestant[]): Promise<ReadonlyMap<string, string>> {
  const names = [...new Set(able.map(({ recipe }) => String(recipe["preset"])))];
  return new Map(await Promise.all(names.map(async (name) => [name, await presetIdentity(name)] as const)));
}

/** `2/4` is the second of four processes that share the rounds and one journal. */
function shareOf(value: unknown, out: unknown): { readonly index: number; readonly of: number } {
  if (value === undefined) return { index: 0, of: 1 };
  const [, part, of] = /^(\d{1,2})\/(\d{1,2})$/.exec(String(value)) ?? [];
  const [index, count] = [Number(part) - 1, Number(of)];
  const detail = { option: "share" };
  if (!(index >= 0 && index < count)) {
    const message = `--share is a part of the whole, such as 1/2, not "${String(value).slice(0, 40)}".`;
    throw new UnmaskError("invalid-options", message, { detail });
  }
  if (out !== undefined) {
    const message = "The report is of all shares: write it with --out in a run without --share.";
    throw new UnmaskError("invalid-options", message, { detail });
  }
  return { index, of: count };
}

const QUICK_DECODERS = "fast-dllm,eb,credit,fast-dllm + eotp,llada + dual cache";

/** Rounds that are whole and that there are, by canvas. */
function extentOf(rounds: readonly Round[], whole: ReadonlyMap<number, number>) {
  return new Map(
    [...whole].map(([canvas, done]) => [
      canvas,
      { done, planned: rounds.filter((round) => round.canvas === canvas).length },
    ]),
  );
}

/** Whether the baselines give the same answers, which they should: blocks are filled left to right. */
function agreement(all: readonly Standing[]): string[] {
  return all.flatMap(({ task, canvas, contestant, againstFixed }) =>
    task === ALL_TASKS && contestant === PLAIN && againstFixed !== null
      ? [
          `Canvas of ${canvas}: "${PLAIN}" and "${FIXED}" write the same text for ${(100 * againstFixed.same).toFixed(1)} % of ${againstFixed.prompts} prompts.`,
        ]
      : [],
  );
}
