import * as v from "valibot";
import type { Denoiser } from "../../src/core/types.ts";
import { maskedLogits } from "../../src/engine/record/masked-logits.ts";
import { RATIOS, recordStates } from "../../src/engine/record/record-states.ts";
import type { JobModel } from "../../src/engine/run/open-run.ts";
import { divergenceOf } from "../../src/math/logit-divergence.ts";
import { type Lab, runUnits, totalCost, type Unit } from "../harness/lab.ts";
import { percent } from "../harness/table.ts";
import type { TaskPrompt } from "../harness/task-prompts.ts";
import type { PlannedPart } from "./part.ts";
import { taskMode } from "./tasks.ts";

const comparedSchema = v.array(
  v.object({
    ratio: v.number(),
    variant: v.string(),
    rows: v.number(),
    kl: v.number(),
    flips: v.number(),
  }),
);
type Compared = v.InferOutput<typeof comparedSchema>;

/** Weights to be compared, and what they are compared with. */
export interface Quantised {
  /** The float32 weights. */
  readonly reference: JobModel;
  readonly variants: ReadonlyMap<string, Denoiser>;
  /** Names the reference in the journal. */
  readonly identity: readonly string[];
}

/**
 * What quantisation changes where a decoder looks: KL and changed best tokens against float32 on states of real
 * trajectories, apart for each share of masks, because ranges of activations drift with it (PTQ4DM; DLLMQuant). The tail
 * behind the end of the text is part of the states.
 */
export function planQuantisation(
  { reference, variants, identity }: Quantised,
  prompts: readonly TaskPrompt[],
  length: number,
): PlannedPart {
  const units = prompts.map(
    (entry, i): Unit<Compared> => ({
      key: ["quantisation", ...identity, ...variants.keys(), entry.prompt, String(length)],
      label: `trajectory ${i + 1} of float32`,
      cost: length * (length + 40) + 40 * RATIOS.length * variants.size * length,
      schema: comparedSchema,
      run: ({ signal }) => compare(reference, variants, entry, length, signal),
    }),
  );
  return {
    cost: totalCost(units),
    async measure(lab: Lab) {
      const found = (await runUnits(units, lab)).flat();
      const names = [...variants.keys()];
      const cells = RATIOS.map((ratio) => ({
        ratio,
        byVariant: names.map((name) => summary(found, ratio, name)),
      }));
      return {
        json: { reference: "f32", states: units.length * RATIOS.length, ratios: cells },
        table: {
          title: "Quantisation",
          columns: ["masked", ...names.flatMap((name) => [`${name}: KL`, `${name}: best token changes`])],
          rows: cells.map(({ ratio, byVariant }) => [
            String(ratio),
            ...byVariant.flatMap(({ kl, flips }) => [kl.toExponential(1), percent(flips)]),
          ]),
          notes: [
            `Against float32 weights, at the masked cells of ${units.length * RATIOS.length} states of ${units.length} runs of llada over ` +
              `${length} cells. KL in nats a cell. int8 is computed on WASM where the runtime is native.`,
          ],
        },
      };
    },
  };
}

async function compare(
  reference: JobModel,
  variants: ReadonlyMap<string, Denoiser>,
  { prompt }: TaskPrompt,
  length: number,
  signal: AbortSignal,
): Promise<Compared> {
  const recipe = { preset: "llada", stop: { eos: false } };
  const mode = taskMode(reference.manifest.modes);
  const job = { kind: "generate", prompt, options: { ...mode, recipe, maxNewTokens: length } } as const;
  const found: Compared = [];
  for (const { ratio, ids } of await recordStates(job, reference, () => signal.aborted)) {
    const canvas = Int32Array.from(ids);
    const expected = await maskedLogits(reference.denoiser, reference.manifest, canvas);
    for (const [variant, denoiser] of variants) {
      const logits = await maskedLogits(denoiser, reference.manifest, canvas);
      found.push({ ratio, variant, ...divergenceOf(expected, logits, reference.manifest.vocab) });
    }
  }
  return found;
}

function summary(found: Compared, ratio: number, variant: string) {
  const own = found.filter((entry) => entry.ratio === ratio && entry.variant === variant);
  const rows = own.reduce((sum, entry) => sum + entry.rows, 0);
  const total = (key: "kl" | "flips") => own.reduce((sum, entry) => sum + entry[key], 0);
  return { variant, rows, kl: total("kl") / rows, flips: total("flips") / rows };
}
