import { fixedBlocks } from "../blocks.ts";
import { continuationCanvas, FILLED } from "../canvas.ts";
import { type Mixture, mixtureAt, type RemaskRule } from "../decoders/remask-mixture.ts";
import type { GoldenRandom } from "../golden-random.ts";
import type { OracleDraw } from "../oracle.ts";
import { linspace32 } from "../quota.ts";
import { rawCandidates } from "../sampler.ts";
import { probabilityScorer } from "../scorer.ts";
import type { Reviser, Sampler, Selector } from "../strategy.ts";
import type { GoldenPlan, GoldenPlanner } from "./plan.ts";
import { type GoldenCase, hyperCount, hyperNumber } from "./schema.ts";

/** MDLM and ReMDM: every step draws each cell from a mixture of the prediction and the mask. */
export const ANCESTRAL_PLANS: Readonly<Record<string, GoldenPlanner>> = {
  mdlm: (golden, random) =>
    ancestral(
      golden,
      raceDraw(golden, (call, e) => random.float32(call, e), random),
    ),
  remdm: (golden, random) =>
    ancestral(
      golden,
      raceDraw(golden, (call, e) => random.float64(call, e), random),
    ),
};

/** @param finalPass whether the best tokens fill what the last step leaves */
export function ancestral(golden: GoldenCase, draw: OracleDraw, finalPass = true): GoldenPlan {
  const { prompt, oracle } = golden;
  const steps = hyperCount(golden, "steps") ?? 1;
  const length = (hyperCount(golden, "length") ?? 1) - prompt.length;
  const sampler: Sampler = {
    // The last pass takes the best token of what is still masked.
    noise: (state, rng) =>
      state.step === steps
        ? undefined
        : { temperature: 1, seed: rng.seed, step: state.step, topK: 0, topP: 1 },
    draw: rawCandidates,
  };
  const selector: Selector = {
    reuses: (state) => golden.hyper["sampler"] !== "ddpm" && state.step < steps,
    plan: () => new Array<number>(steps + (finalPass ? 1 : 0)).fill(0),
    isPending: (state) => state.stepInBlock < state.quotas.length,
    select: ({ candidates }) =>
      Array.from(candidates.rows.keys(), (index) => ({ index, reason: "sampled" as const })),
  };
  const reviser: Reviser = {
    watch: ({ canvas, targets }) => targets.filter((row) => canvas.kinds[row] === FILLED),
    revise: ({ state, stats, traits }) => ({
      remasks: Array.from(stats.rows).filter(
        (row, r) =>
          state.canvas.kinds[row] === FILLED && stats.sampledIds[r] === traits.maskId && state.step < steps,
      ),
      overwrites: [],
    }),
  };
  return {
    strategy: {
      blocks: fixedBlocks(length),
      sampler,
      scorer: probabilityScorer,
      selector,
      guidance: { kind: "none" },
      ...(isPlain(golden) ? {} : { reviser }),
    },
    canvas: continuationCanvas(prompt, length, oracle.mask),
    suppress: [oracle.mask],
    draw,
    unlistedForwards: finalPass ? 1 : 0,
  };
}

function isPlain({ hyper }: GoldenCase): boolean {
  return hyper["sampler"] === undefined || hyper["sampler"] === "mdlm" || hyper["sampler"] === "ddpm";
}

/** `argmax q / (1e-10 - ln(u + 1e-10))` over the vocabulary with the mask, one call of shape `[1, N, V]` a step. */
export function raceDraw(
  golden: GoldenCase,
  uniform: (call: number, e: number) => number,
  random: GoldenRandom,
): OracleDraw {
  const steps = hyperCount(golden, "steps") ?? 1;
  const grid = linspace32(1, 1e-5, steps + 1);
  const nucleus = hyperNumber(golden, "nucleus_p") ?? 1;
  const { mask } = golden.oracle;
  // Minus the probability of each visible cell's token when it was written: the score of remdm-conf.
  const written = new Map<number, number>();
  return (logits, vocab, stats, { step }, canvas) => {
    const call = random.nextCall();
    const total = Array.from(written.values()).reduce((sum, value) => sum + Math.exp(value), 0);
    for (const [r, row] of stats.rows.entries()) {
      const isMasked = canvas[row] === mask;
      const share = written.has(row) ? Math.exp(written.get(row)!) / total : 0;
      const [token, stay] = mixture(golden, grid[step]!, steps, share)[isMasked ? "masked" : "visible"];
      const weights = isMasked
        ? predicted(logits.subarray(r * vocab, (r + 1) * vocab), nucleus)
        : oneHot(vocab, canvas[row]!);
      const chosen = race(weights, token, mask, stay, (id) => uniform(call, row * vocab + id));
      stats.sampledIds[r] = chosen;
      stats.sampledLogits[r] = logits[r * vocab + chosen]!;
      if (chosen === mask) written.delete(row);
      else if (isMasked) written.set(row, -Math.fround(weights[chosen]!));
    }
  };
}

function race(
  weights: Float64Array,
  token: number,
  mask: number,
  stay: number,
  uniform: (id: number) => number,
): number {
  let lead = Number.NEGATIVE_INFINITY;
  let winner = mask;
  for (let id = 0; id < weights.length; id++) {
    const weight = id === mask ? stay : weights[id]! * token;
    const value = weight / (1e-10 - Math.log(uniform(id) + 1e-10));
    if (!(value > lead)) continue;
    lead = value;
    winner = id;
  }
  return winner;
}

function oneHot(vocab: number, id: number): Float64Array {
  const weights = new Float64Array(vocab);
  weights[id] = 1;
  return weights;
}

/** Softmax, cut to the tokens whose cumulative probability stays within the nucleus, the best one always. */
function predicted(logits: Float32Array, nucleus: number): Float64Array {
  const best = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  const weights = Float64Array.from(logits, (logit) => Math.exp(logit - best));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  for (let id = 0; id < weights.length; id++) weights[id]! /= total;
  if (nucleus >= 1) return weights;
  let reached = 0;
  let kept = 0;
  const order = Array.from(weights.keys()).sort((a, b) => weights[b]! - weights[a]! || a - b);
  for (const [place, id] of order.entries()) {
    reached += weights[id]!;
    if (place > 0 && reached > nucleus) weights[id] = 0;
    else kept += weights[id]!;
  }
  return weights.map((weight) => weight / kept);
}

/** Transition weights at time `t`; alpha is 1 - t. */
function mixture(golden: GoldenCase, t: number, steps: number, share: number): Mixture {
  return mixtureAt(ruleOf(golden), t, Math.fround((1 - 1e-5) / steps), share);
}

function ruleOf(golden: GoldenCase): RemaskRule {
  const eta = hyperNumber(golden, "eta") ?? 0.008;
  switch (golden.hyper["sampler"]) {
    // SVDD has no other sampler than the plain one.
    case undefined:
    case "mdlm":
      return { kind: "none" };
    case "ddpm":
      return { kind: "none", scale: 1 - 1e-3 };
    case "remdm-loop":
      return {
        kind: "loop",
        eta,
        on: hyperNumber(golden, "t_on") ?? 0.55,
        off: hyperNumber(golden, "t_off") ?? 0.05,
        alpha: hyperNumber(golden, "alpha_on") ?? 0.9,
      };
    case "remdm-cap":
      return { kind: "cap", eta };
    case "remdm-rescale":
      return { kind: "rescale", eta };
    case "remdm-conf":
      return { kind: "conf" };
    default:
      return { kind: "forward-backward" };
  }
}
