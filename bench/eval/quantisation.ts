import * as v from "valibot";
import { UnmaskError } from "../../src/core/errors.ts";
import type { Denoiser } from "../../src/core/types.ts";
import { maskedLogits } from "../../src/engine/record/masked-logits.ts";
import { RATIOS, recordStates } from "../../src/engine/record/record-states.ts";
import type { JobModel } from "../../src/engine/run/open-run.ts";
import { runJob } from "../../src/engine/run/run-job.ts";
import { divergenceOf } from "../../src/math/logit-divergence.ts";
import { type Lab, runUnits, totalCost, type Unit } from "../harness/lab.ts";
import { percent } from "../harness/table.ts";
import { kendallTau } from "../stats/kendall.ts";
import type { PlannedPart } from "./part.ts";

const comparedSchema = v.object({
  states: v.array(
    v.object({
      ratio: v.number(),
      variant: v.string(),
      rows: v.number(),
      kl: v.number(),
      flips: v.number(),
    }),
  ),
  orders: v.array(v.object({ variant: v.string(), tau: v.number() })),
});
type Compared = v.InferOutput<typeof comparedSchema>;

/** Weights to be compared, and what they are compared with. */
export interface Quantised {
  /** The float32 weights. */
  readonly reference: JobModel;
  readonly variants: ReadonlyMap<string, Denoiser>;
  /** Names the reference in the journal. */
  readonly identity: readonly string[];
}

/** What a trajectory begins with. */
export interface Opening {
  readonly prompt: string;
  readonly mode: "task" | "story";
}

/**
 * What quantisation changes where a decoder looks: KL and changed best tokens against float32 on states of real
 * trajectories, apart for each share of masks, because ranges of activations drift with it (PTQ4DM; DLLMQuant), and the
 * order in which cells are written. The tail behind the end of the text is part of the states.
 */
export function planQuantisation(
  quantised: Quantised,
  openings: readonly Opening[],
  length: number,
): PlannedPart {
  const { variants, identity } = quantised;
  const units = openings.map(
    (opening, i): Unit<Compared> => ({
      key: ["quantisation", ...identity, ...variants.keys(), opening.mode, opening.prompt, String(length)],
      label: `trajectory ${i + 1} of float32`,
      cost: (2 + variants.size) * length * (length + 40) + 40 * RATIOS.length * variants.size * length,
      schema: comparedSchema,
      run: ({ signal }) => compare(quantised, opening, length, signal),
    }),
  );
  return {
    cost: totalCost(units),
    async measure(lab: Lab) {
      const found = await runUnits(units, lab);
      const names = [...variants.keys()];
      const states = found.flatMap((entry) => entry.states);
      const cells = RATIOS.map((ratio) => ({
        ratio,
        byVariant: names.map((name) => summary(states, ratio, name)),
      }));
      const orders = names.map((variant) => ({
        variant,
        tau: mean(
          found.flatMap((entry) => entry.orders.filter((o) => o.variant === variant).map(({ tau }) => tau)),
        ),
      }));
      return {
        json: { reference: "f32", states: units.length * RATIOS.length, ratios: cells, orders },
        table: {
          title: "Quantisation",
          columns: ["masked", ...names.flatMap((name) => [`${name}: KL`, `${name}: best token changes`])],
          rows: cells.map(({ ratio, byVariant }) => [
            String(ratio),
            ...byVariant.flatMap(({ kl, flips }) => [kl.toExponential(1), percent(flips)]),
          ]),
          notes: [
            `Against float32 weights, at the masked cells of ${units.length * RATIOS.length} states of ${units.length} runs of llada over ` +
              `${length} cells, of task prompts and of beginnings of stories in turn. KL in nats a cell. int8 is computed on WASM where the runtime is native.`,
            `Order in which the cells of such a run in one block are written, Kendall's tau with that of float32: ${orders
              .map(({ variant, tau }) => `${variant} ${tau.toFixed(3)}`)
              .join(", ")}.`,
          ],
        },
      };
    },
  };
}

async function compare(
  { reference, variants }: Quantised,
  { prompt, mode }: Opening,
  length: number,
  signal: AbortSignal,
): Promise<Compared> {
  const { manifest } = reference;
  const stop = () => signal.aborted;
  const jobOf = (block?: number) => {
    const recipe = { preset: "llada", stop: { eos: false }, ...(block === undefined ? {} : { block }) };
    const options = { ...(Object.hasOwn(manifest.modes, mode) ? { mode } : {}), recipe };
    return { kind: "generate", prompt, options: { ...options, maxNewTokens: length } } as const;
  };
  const states: Compared["states"] = [];
  for (const { ratio, ids } of await recordStates(jobOf(), reference, stop)) {
    const canvas = Int32Array.from(ids);
    const expected = await maskedLogits(reference.denoiser, manifest, canvas);
    for (const [variant, denoiser] of variants) {
      const logits = await maskedLogits(denoiser, manifest, canvas);
      states.push({ ratio, variant, ...divergenceOf(expected, logits, manifest.vocab) });
    }
  }
  const orderOf = async (denoiser: Denoiser) => {
    const rows: number[] = [];
    // One block, so that nothing but the weights decides about the order.
    for await (const event of runJob(jobOf(length), { ...reference, denoiser }, { stop })) {
      if (event.type === "step") rows.push(...event.commits.map(({ row }) => row));
    }
    return rows;
  };
  const own = await orderOf(reference.denoiser);
  const orders: Compared["orders"] = [];
  for (const [variant, denoiser] of variants) {
    orders.push({ variant, tau: kendallTau(own, await orderOf(denoiser)) });
  }
  if (stop()) throw new UnmaskError("aborted", "Stopped; the same command goes on from here.");
  return { states, orders };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function summary(found: Compared["states"], ratio: number, variant: string) {
  const own = found.filter((entry) => entry.ratio === ratio && entry.variant === variant);
  const rows = own.reduce((sum, entry) => sum + entry.rows, 0);
  const total = (key: "kl" | "flips") => own.reduce((sum, entry) => sum + entry[key], 0);
  return { variant, rows, kl: total("kl") / rows, flips: total("flips") / rows };
}
