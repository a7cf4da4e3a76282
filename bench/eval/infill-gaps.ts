import * as v from "valibot";
import { range } from "../../src/cache/rows.ts";
import { isUnmaskError } from "../../src/core/errors.ts";
import type { Job } from "../../src/core/job.ts";
import { hasGaps } from "../../src/engine/ask/gap-pattern.ts";
import { buildPrompt } from "../../src/engine/ask/prompt.ts";
import type { JobModel } from "../../src/engine/run/open-run.ts";
import { dataHash } from "../harness/identity.ts";
import { type Lab, runToEnd, type Unit } from "../harness/lab.ts";
import { bound } from "./bound.ts";
import { type Cut, chooseGap, type GapKind } from "./gap-choice.ts";

/** A gap that is asked for: it holds as many cells as the original has tokens, or its length is to be found. */
export interface AskedGap {
  readonly kind: GapKind;
  readonly isFree: boolean;
}

const fillSchema = v.object({
  tokens: v.array(v.number()),
  /** Tokens of the original. */
  gold: v.number(),
  /** Cells that hold the token of the original. */
  right: v.number(),
  /** Bound in nats on the original, given the text around it; null where the gap's length was not given. */
  nats: v.nullable(v.number()),
  forwards: v.number(),
});
export type Fill = v.InferOutput<typeof fillSchema>;

export interface InfillOptions {
  /** Gaps of each kind and group, but for single words. */
  readonly gaps: number;
  /** Gaps of one word, of which an exact share can be told with fewer forwards. */
  readonly words: number;
  /** Mask ratios for the likelihood of the original. */
  readonly draws: number;
  readonly recipe: unknown;
}

export function infillUnits(
  model: JobModel,
  group: string,
  texts: readonly string[],
  { kind, isFree }: AskedGap,
  { gaps, words, draws, recipe }: InfillOptions,
): Unit<Fill>[] {
  const size = (piece: string) => model.tokenizer.encode(` ${piece}`).length;
  const wanted = kind === "word" ? words : gaps;
  const units: Unit<Fill>[] = [];
  for (const [number, text] of texts.entries()) {
    if (units.length === wanted) break;
    const cut = hasGaps(text) ? null : chooseGap(text, kind, size, number);
    const gap = cut === null ? null : layOut(model, cut, isFree);
    if (cut === null || gap === null) continue;
    units.push({
      key: [
        "infill",
        dataHash([cut.before, cut.gold, cut.after]),
        String(isFree),
        String(number),
        String(draws),
        JSON.stringify(recipe),
      ],
      label: `infill of a ${kind} of ${group}, ${units.length + 1}`,
      cost: (gap.gold.length + (isFree ? 0 : draws)) * gap.ids.length,
      schema: fillSchema,
      run: (lab) => fill(gap, isFree ? 0 : draws, recipe, number, lab),
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
function layOut(model: JobModel, { before, gold, after }: Cut, isFree: boolean): Gap | null {
  // The space in front of a gap is left to the model: engine/ask/gaps.ts.
  const tokens = model.tokenizer.encode(before.endsWith(" ") ? ` ${gold}` : gold);
  const mode = "story" in model.manifest.modes ? { mode: "story" } : {};
  const jobOf = (length: number | "?") =>
    ({ kind: "infill", text: `${before}[[${length}]]${after}`, options: mode }) as const;
  const sized = jobOf(tokens.length);
  try {
    const job = isFree ? jobOf("?") : sized;
    // A gap of free length begins with cells of its own number, which may be more than the original has.
    if (isFree) buildPrompt(job, model.tokenizer, model.manifest);
    const prompt = buildPrompt(sized, model.tokenizer, model.manifest);
    const { start } = prompt.gaps[0]!;
    const ids = Int32Array.from(prompt.ids);
    ids.set(tokens, start);
    return { job, ids, start, gold: tokens };
  } catch (error) {
    if (isUnmaskError(error) && error.code === "prompt-too-long") return null;
    throw error;
  }
}

/** @param draws mask ratios for the likelihood of the original; 0: it is left out */
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
    gold: gold.length,
    right: gold.filter((id, i) => id === tokens[i]).length,
    nats: draws === 0 ? null : await bound(lab.model, ids, cells, draws, seed),
    forwards: nfe,
  };
}
