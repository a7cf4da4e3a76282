import type { BenchOptions } from "../src/cli/bench.ts";
import { UnmaskError } from "../src/core/errors.ts";
import { canvasOption, countOption } from "./harness/counts.ts";
import { presetIdentity } from "./harness/identity.ts";
import { totalCost } from "./harness/lab.ts";
import { openLab } from "./harness/open-lab.ts";
import { createProgress } from "./harness/progress.ts";
import { reportName, writeReport } from "./harness/report.ts";
import { markdownTable } from "./harness/table.ts";
import { readTaskPrompts } from "./harness/task-prompts.ts";
import { claimsSection } from "./strategies/claims-section.ts";
import { openCompanionTwin } from "./strategies/companion-twin.ts";
import { type Contestant, chooseContestants, FIXED, PLAIN } from "./strategies/contestants.ts";
import { duelRounds, fitting, type Round } from "./strategies/duel.ts";
import { accuracyChart, NOTES, standingTables } from "./strategies/report.ts";
import { runRounds } from "./strategies/run-rounds.ts";
import { ALL_TASKS, type Standing, standings } from "./strategies/summary.ts";
import { bestDecoder, frontRunners, targetTable } from "./strategies/targets.ts";

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
  const contestants = chooseContestants(asked, manifest);
  await using twin = contestants.some(({ companion }) => companion === true)
    ? await openCompanionTwin(values["companion"])
    : undefined;
  const { able, unable } = fitting(open.model, contestants, twin);
  const share = shareOf(values["share"], values["out"]);
  const until = minutes === null ? Number.POSITIVE_INFINITY : performance.now() + 60_000 * minutes;
  const codes = await codeOf(able);
  const measure = async (contestants: readonly Contestant[]) => {
    const options = { canvases, prompts, thinning: quick ? 1 : THINNING, codeOf: codes, twin };
    const rounds = duelRounds(open.model, contestants, options).filter(
      (_round, at) => at % share.of === share.index,
    );
    const progress = createProgress(
      totalCost(rounds.flatMap(({ units }) => units)),
      () => performance.now(),
      io.status,
    );
    const lab = { ...open, identity: open.sharedIdentity, progress };
    return { rounds, ...(await runRounds(rounds, canvases, lab, () => performance.now() > until)) };
  };
  let found = await measure(able);
  // Who was measured now and then and looks better than the best is measured as often as that one.
  const runners =
    share.of === 1 && isWhole(found) ? frontRunners(standings(found.outcomes), namesOf(able)) : [];
  if (runners.length > 0) {
    const promoted = able.map(({ rounds, ...rest }) =>
      runners.includes(rest.name) || rounds === undefined ? rest : { ...rest, rounds },
    );
    const more = await measure(promoted);
    if (isWhole(more)) found = more;
  }
  const { outcomes, counts } = found;
  const all = standings(outcomes);
  const overall = standingTables(all, "all tasks");
  const extent = extentOf(found);
  const best = bestDecoder(all, namesOf(able));
  const detailed = all.filter(({ canvas }) => counts.get(canvas)! >= DETAILED);
  const intro = [
    ...(isWhole(found) ? [] : ["**As far as it got; the same command goes on from here.**"]),
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
    const isStandard = ["limit", "canvas", "tasks", "presets"].every((name) => values[name] === undefined);
    const name = reportName("strategies", quick, isStandard);
    const plot = `![Exact answers against forwards](${name}.svg)\n`;
    const report = {
      title: `Decoders of ${info.name}`,
      intro: [...(quick || !isStandard ? ["**A part of the comparison: not a result.**"] : []), ...intro],
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

/** Those that may be anybody's default: what needs to know the answer or the task, or a second model, is not. */
function namesOf(able: readonly Contestant[]): readonly string[] {
  return able
    .filter(
      ({ name, draft, companion, recipe }) =>
        draft === undefined &&
        companion === undefined &&
        recipe["constraint"] === undefined &&
        name !== FIXED,
    )
    .map(({ name }) => name);
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

interface Measured {
  readonly rounds: readonly Round[];
  readonly counts: ReadonlyMap<number, number>;
}

/** Rounds that are whole and that there are, by canvas. */
function extentOf({ rounds, counts }: Measured) {
  return new Map(
    [...counts].map(([canvas, done]) => [
      canvas,
      { done, planned: rounds.filter((round) => round.canvas === canvas).length },
    ]),
  );
}

function isWhole(measured: Measured): boolean {
  return [...extentOf(measured).values()].every(({ done, planned }) => done === planned);
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
