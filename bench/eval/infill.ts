import * as v from "valibot";
import { range } from "../../src/cache/rows.ts";
import { isUnmaskError } from "../../src/core/errors.ts";
import type { Job } from "../../src/core/job.ts";
import { hasGaps } from "../../src/engine/ask/gap-pattern.ts";
import { buildPrompt } from "../../src/engine/ask/prompt.ts";
import type { JobModel } from "../../src/engine/run/open-run.ts";
import { type Lab, runToEnd, runUnits, totalCost, type Unit } from "../harness/lab.ts";
import { percent, percentWithin } from "../harness/table.ts";
import { distinctShare } from "../stats/ngrams.ts";
import { ratioOf } from "../stats/ratio.ts";
import { wilson } from "../stats/wilson.ts";
import { bound } from "./bound.ts";
import type { HeldOut } from "./corpus.ts";
import { type Cut, chooseGap, type GapKind } from "./gap-choice.ts";
import type { PlannedPart } from "./part.ts";

const KINDS: readonly GapKind[] = ["word", "sentence", "paragraph"];

const fillSchema = v.object({
  tokens: v.array(v.number()),
  /** Cells that hold the token of the original. */
  right: v.number(),
  /** Bound in nats on the original, given the text around it. */
  nats: v.number(),
  forwards: v.number(),
});
type Fill = v.InferOutput<typeof fillSchema>;

export interface InfillOptions {
  /** Gaps of each kind and group. */
  readonly gaps: number;
  /** Mask ratios for the likelihood of the original. */
  readonly draws: number;
  readonly recipe: unknown;
}

/**
 * One word, one sentence, one paragraph out of held-out text, in gaps of the right number of tokens. A longer piece has
 * many good fillings, so exact agreement says little there; the likelihood of the original says more.
 */
export function planInfill(model: JobModel, text: HeldOut, options: InfillOptions): PlannedPart {
  const cells = [...text].flatMap(([group, texts]) =>
    KINDS.map((kind) => ({ group, kind, units: unitsOf(model, group, texts, kind, options) })),
  );
  return {
    cost: cells.reduce((sum, { units }) => sum + totalCost(units), 0),
    async measure(lab) {
      const found = [];
      for (const { group, kind, units } of cells)
        found.push(summary(group, kind, await runUnits(units, lab)));
      return {
        json: { recipe: options.recipe, gaps: found },
        table: {
          title: "Infill",
          columns: ["gap", "gaps", "exact", "tokens right", "nats a token of the original", "distinct-2"],
          rows: found.map((entry) => [
            `${entry.kind}, ${entry.group}`,
            String(entry.gaps),
            entry.gaps === 0 ? "-" : percentWithin(entry.exact / entry.gaps, entry.interval),
            entry.gaps === 0 ? "-" : percent(entry.tokensRight),
            entry.gaps === 0 ? "-" : entry.nelbo.toFixed(3),
            entry.kind === "word" || entry.gaps === 0 ? "-" : entry.distinct2.toFixed(2),
          ]),
          notes: ["Exact: every token is that of the original; Wilson 95 % interval."],
        },
      };
    },
  };
}

function unitsOf(
  model: JobModel,
  group: string,
  texts: readonly string[],
  kind: GapKind,
  { gaps, draws, recipe }: InfillOptions,
): Unit<Fill>[] {
  const size = (piece: string) => model.tokenizer.encode(` ${piece}`).length;
  const units: Unit<Fill>[] = [];
  for (const [number, text] of texts.entries()) {
    if (units.length === gaps) break;
    const cut = hasGaps(text) ? null : chooseGap(text, kind, size, number);
    const gap = cut === null ? null : layOut(model, cut);
    if (gap === null) continue;
    units.push({
      key: ["infill", group, kind, String(number), String(draws), JSON.stringify(recipe)],
      label: `infill of a ${kind} of ${group}, ${units.length + 1}`,
      cost: (gap.gold.length + draws) * gap.ids.length,
      schema: fillSchema,
      run: (lab) => fill(gap, draws, recipe, number, lab),
    });
  }
  return units;
}

interface Gap {
  readonly job: Extract<Job, { kind: "infill" }>;
  /** The canvas of the original text. */
  readonly ids: Int32Array;
  readonly start: number;
  readonly gold: Int32Array;
}

/** The gap on the canvas that the engine will lay out for it; null when the text does not fit. */
function layOut(model: JobModel, { before, gold, after }: Cut): Gap | null {
  // The space in front of a gap is left to the model: engine/gaps.ts.
  const tokens = model.tokenizer.encode(before.endsWith(" ") ? ` ${gold}` : gold);
  const mode = "story" in model.manifest.modes ? { mode: "story" } : {};
  const job = { kind: "infill", text: `${before}[[${tokens.length}]]${after}`, options: mode } as const;
  try {
    const prompt = buildPrompt(job, model.tokenizer, model.manifest);
    const { start } = prompt.gaps[0]!;
    const ids = Int32Array.from(prompt.ids);
    ids.set(tokens, start);
    return { job, ids, start, gold: tokens };
  } catch (error) {
    if (isUnmaskError(error) && error.code === "prompt-too-long") return null;
    throw error;
  }
}

async function fill(
  { job, ids, start, gold }: Gap,
  draws: number,
  recipe: unknown,
  seed: number,
  lab: Lab,
): Promise<Fill> {
  const { tokens, nfe } = await runToEnd({ ...job, options: { ...job.options, recipe } }, lab);
  const cells = range(start, start + gold.length);
  return {
    tokens: [...tokens],
    right: gold.filter((id, i) => id === tokens[i]).length,
    nats: await bound(lab.model, ids, cells, draws, seed),
    forwards: nfe,
  };
}

function summary(group: string, kind: GapKind, fills: readonly Fill[]) {
  const exact = fills.filter(({ tokens, right }) => right === tokens.length).length;
  return {
    group,
    kind,
    gaps: fills.length,
    exact,
    interval: wilson(exact, fills.length),
    tokensRight: ratioOf(fills.map(({ right, tokens }) => [right, tokens.length])).value,
    nelbo: ratioOf(fills.map(({ nats, tokens }) => [nats, tokens.length])).value,
    distinct2: distinctShare(
      fills.map(({ tokens }) => tokens),
      2,
    ),
  };
}
