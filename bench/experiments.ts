import * as v from "valibot";
import type { BenchOptions } from "../src/cli/bench.ts";
import { modelOption } from "../src/cli/generate/generation-options.ts";
import { taskMode } from "./eval/tasks.ts";
import { liveTable, liveUnit } from "./experiments/live.ts";
import { pruned, reused, type Scheme, schemeDenoiser, whole } from "./experiments/schemes.ts";
import { openTwoParts, type TwoParts } from "./experiments/two-parts.ts";
import { countOption } from "./harness/counts.ts";
import { groupBy } from "./harness/group-by.ts";
import { runToEnd, runUnits, totalCost, type Unit } from "./harness/lab.ts";
import { type OpenLab, openLab } from "./harness/open-lab.ts";
import { createProgress } from "./harness/progress.ts";
import { reportName, writeReport } from "./harness/report.ts";
import { markdownTable, percent, percentWithin, type Table } from "./harness/table.ts";
import { finalAnswer, readTaskPrompts, type TaskPrompt } from "./harness/task-prompts.ts";
import { wilson } from "./stats/wilson.ts";

const outcomeSchema = v.object({
  variant: v.string(),
  prompt: v.string(),
  text: v.string(),
  right: v.boolean(),
  forwards: v.number(),
  rows: v.number(),
});
type Outcome = v.InferOutput<typeof outcomeSchema>;

/** A way to run the same decoder; made anew for every prompt. */
interface Variant {
  readonly name: string;
  scheme(): Scheme;
}

const RECIPE = { preset: "fast-dllm", stop: { eos: true } };
const CELLS = 64;
const BLOCK = 32;
/** Of seven layers. */
const MIDDLE = 3;

/**
 * Ideas that need the graph cut open, measured on held-out tasks: pruning of the prompt in late steps and reuse of the
 * lower layers (the part behind a middle layer).
 * And a prompt that is typed while the model writes, with the similarity filter and drafts from the text before.
 */
export async function runSuite({ quick, values, io }: BenchOptions) {
  const limit = countOption(values, "limit", quick ? 1 : 20);
  const prompts = await readTaskPrompts([values["prompts"]], values["tasks"], limit);
  await using open = await openLab({ variant: "q4", ...values }, io);
  const ort = await open.runtime.platform.loadOrt("wasm", undefined);
  const at = (where: number): Promise<TwoParts> =>
    openTwoParts(ort, modelOption(values), open.model.manifest, open.model.info.variant, where);
  const [embeds, split] = [await at(-1), await at(MIDDLE)];
  try {
    const units = [...prompts.values()]
      .flat()
      .flatMap((entry) => variantsOf(embeds, split).map((variant) => unitOf(open, variant, entry)));
    const typed = [...prompts.values()].flat().map((entry) => liveUnit(entry, RECIPE, CELLS));
    const progress = createProgress(totalCost(units) + totalCost(typed), () => performance.now(), io.status);
    const outcomes = await runUnits(units, { ...open, progress });
    const live = await runUnits(typed, { ...open, progress });
    const tables = [tableOf(outcomes), liveTable(live)];
    const { info } = open.model;
    const json = { model: info.name, variant: info.variant, identity: open.identity, limit, recipe: RECIPE };
    const lines = tables.map(markdownTable);
    if (typeof values["out"] === "string") {
      const isWhole = values["tasks"] === undefined;
      const report = {
        title: `Experiments on ${info.name}`,
        intro: [
          `${info.name}, weights ${info.variant}, ${prompts.size} tasks, at most ${limit} prompts each. Runtime: ${open.runtime.reason}`,
        ],
        tables,
      };
      const name = reportName("experiments", quick, isWhole);
      lines.push(
        `written: ${(await writeReport(values["out"], name, { ...json, outcomes, live }, report)).join(", ")}`,
      );
    }
    return { json: { ...json, tables }, lines };
  } finally {
    await embeds.release();
    await split.release();
  }
}

const WHOLE = "as it is";

function variantsOf(embeds: TwoParts, split: TwoParts): Variant[] {
  const isLate = (written: number): boolean => written % BLOCK >= BLOCK / 2;
  return [
    { name: WHOLE, scheme: () => whole(split) },
    { name: "late steps without the prompt", scheme: () => pruned(embeds, isLate) },
    {
      name: `late steps without the prompt behind layer ${MIDDLE + 1}`,
      scheme: () => pruned(split, isLate),
    },
    { name: `no step sees the prompt behind layer ${MIDDLE + 1}`, scheme: () => pruned(split, () => true) },
    ...[2, 4].map(
      (every): Variant => ({
        name: `lower ${MIDDLE + 1} layers anew in one forward of ${every}`,
        scheme: () => reused(split, every),
      }),
    ),
  ];
}

function unitOf({ model }: OpenLab, { name, scheme }: Variant, entry: TaskPrompt): Unit<Outcome> {
  const { task, prompt, answer } = entry;
  return {
    key: ["experiments", name, task, prompt, answer, String(CELLS), JSON.stringify(RECIPE)],
    label: `${task}, ${name}`,
    cost: 1,
    schema: outcomeSchema,
    async run({ signal }) {
      const denoiser = schemeDenoiser(scheme(), model.denoiser);
      const options = { ...taskMode(model.manifest.modes), recipe: RECIPE, maxNewTokens: CELLS };
      const job = { kind: "generate", prompt, options } as const;
      const { text = "", nfe } = await runToEnd(job, { model: { ...model, denoiser }, signal });
      const right = finalAnswer(text) === finalAnswer(answer);
      return {
        variant: name,
        prompt: `${task} ${prompt}`,
        text,
        right,
        forwards: nfe,
        rows: denoiser.rows(),
      };
    },
  };
}

function tableOf(outcomes: readonly Outcome[]): Table {
  const groups = groupBy(outcomes, ({ variant }) => variant);
  const base = new Map(groups.get(WHOLE)!.map(({ prompt, text }) => [prompt, text]));
  return {
    title: "Held-out tasks",
    columns: ["variant", "prompts", "exact", "forwards", "rows", "same text"],
    rows: [...groups].map(([variant, list]) => {
      const right = list.filter((outcome) => outcome.right).length;
      const mean = (key: "forwards" | "rows"): number =>
        list.reduce((sum, outcome) => sum + outcome[key], 0) / list.length;
      const same = list.filter(({ prompt, text }) => base.get(prompt) === text).length;
      return [
        variant,
        String(list.length),
        percentWithin(right / list.length, wilson(right, list.length)),
        mean("forwards").toFixed(1),
        mean("rows").toFixed(0),
        percent(same / list.length),
      ];
    }),
    notes: [
      `${JSON.stringify(RECIPE)}, ${CELLS} cells. Forwards and rows are means of a response; a row that only a part of the layers computes counts as that part. ` +
        '"Same text" is that of the model as it is. A step is late when half of a block is written.',
    ],
  };
}
