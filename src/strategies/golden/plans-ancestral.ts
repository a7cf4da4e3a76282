import { fixedBlocks } from "../blocks.ts";
import { continuationCanvas, FILLED } from "../canvas.ts";
import { remaskAncestral } from "../decoders/remask-ancestral.ts";
import type { Mixture, RemaskRule } from "../decoders/remask-mixture.ts";
import type { GoldenRandom } from "../oracle/golden-random.ts";
import type { OracleDraw } from "../oracle/oracle.ts";
import { rawCandidates, temperedSampler } from "../pieces/sampler.ts";
import { probabilityScorer } from "../pieces/scorer.ts";
import type { DecodeState, Sampler } from "../strategy.ts";
import type { GoldenPlan, GoldenPlanner } from "./plan.ts";
import { type GoldenCase, hyperCount, hyperNumber } from "./schema.ts";

/** MDLM and ReMDM: every step draws each cell from a mixture of the prediction and the mask. */
export const ANCESTRAL_PLANS: Readonly<Record<string, GoldenPlanner>> = {
  mdlm: (golden, random) => ancestral(golden, recordedRace(golden, random.float32, random)),
  remdm: (golden, random) => ancestral(golden, recordedRace(golden, random.float64, random)),
};

/** Recorded numbers of a step, as our decoder asks for them. */
export interface RecordedRace {
  /** The token of each mask, should it be written. */
  readonly draw: OracleDraw;
  /** The uniform that decides whether a mask is written, or a token taken back. */
  coin(row: number): number;
}

/** @param cleanup whether the best tokens fill what the last step leaves */
export function ancestral(
  golden: GoldenCase,
  { draw, coin }: RecordedRace,
  cleanup = golden.hyper["noise_removal"] !== false,
): GoldenPlan {
  const { prompt, oracle, hyper } = golden;
  const planned = hyperCount(golden, "steps") ?? 1;
  const mixtures = hyper["dfm"] === true ? flowMixtures(planned) : undefined;
  const steps = mixtures?.length ?? planned;
  const length = hyperCount(golden, "length") ?? 1;
  const rule = ruleOf(golden);
  const isRevised = rule.kind !== "none" || mixtures !== undefined;
  const canvas = isRevised
    ? continuationCanvas([], length, oracle.mask)
    : continuationCanvas(prompt, length - prompt.length, oracle.mask);
  if (isRevised) {
    // The reference takes back what it was given like any other token.
    canvas.ids.set(prompt);
    canvas.kinds.fill(FILLED, 0, prompt.length);
  }
  const { selector, reviser } = remaskAncestral(rule, steps, {
    coin,
    cleanup,
    ...(mixtures === undefined ? {} : { mixtures }),
  });
  const isDrawn = ({ step }: DecodeState): boolean => step < steps;
  const tempered = temperedSampler({ temperature: 1, topK: 0, topP: nucleusOf(golden) });
  // The forward behind the last step takes the best tokens.
  const sampler: Sampler = {
    ...tempered,
    noise: (state, ...rest) => (isDrawn(state) ? tempered.noise(state, ...rest) : undefined),
    draw: (stats, rows, at, state) =>
      (isDrawn(state) ? tempered.draw : rawCandidates)(stats, rows, at, state),
  };
  return {
    strategy: {
      blocks: fixedBlocks(length),
      sampler,
      scorer: probabilityScorer,
      // Without the reference's cache, and in SVDD, every step asks for a forward of its own.
      selector: {
        ...selector,
        reuses: (state) => hyper["sampler"] !== undefined && hyper["sampler"] !== "ddpm" && isDrawn(state),
        limit: () => steps + (cleanup ? 1 : 0),
      },
      guidance: { kind: "none" },
      ...(isRevised ? { reviser } : {}),
    },
    canvas,
    suppress: [oracle.mask],
    draw,
    unlistedForwards: cleanup ? 1 : 0,
  };
}

/**
 * The references draw `argmax q(v) / E(v)` over the vocabulary with the mask, `E(v) = 1e-10 - ln(u + 1e-10)` from one
 * call of shape `[1, N, V]` a step: whoever waits shortest wins. Which token is first does not depend on how much of `q`
 * is the mask's, and with `w` its wait, `w / (w + E(mask))` is a uniform: it lies below the weight of the prediction just
 * where the token beats the mask. For a visible cell, whose one token has the weight that is not the mask's, the same
 * holds with the two exchanged.
 */
export function recordedRace(
  golden: GoldenCase,
  uniform: (call: number, e: number) => number,
  random: GoldenRandom,
): RecordedRace {
  const nucleus = nucleusOf(golden);
  const { mask } = golden.oracle;
  const coins = new Map<number, number>();
  const draw: OracleDraw = (logits, vocab, stats, _noise, canvas) => {
    const call = random.nextCall();
    const waitOf = (row: number, id: number): number =>
      1e-10 - Math.log(uniform(call, row * vocab + id) + 1e-10);
    const beats = (row: number, wait: number, other: number): unknown =>
      coins.set(row, wait / (wait + other));
    for (const [row, id] of canvas.entries()) {
      if (id !== mask) beats(row, waitOf(row, mask), waitOf(row, id));
    }
    for (const [r, row] of stats.rows.entries()) {
      if (canvas[row] !== mask) continue;
      const weights = predicted(logits.subarray(r * vocab, (r + 1) * vocab), nucleus);
      let least = Number.POSITIVE_INFINITY;
      for (const [id, weight] of weights.entries()) {
        const wait = waitOf(row, id) / weight;
        if (id === mask || !(wait < least)) continue;
        least = wait;
        stats.sampledIds[r] = id;
        stats.sampledLogits[r] = logits[r * vocab + id]!;
        stats.temperedLse![r] = stats.sampledLogits[r]! - Math.log(weight);
      }
      beats(row, least, waitOf(row, mask));
    }
  };
  return { draw, coin: (row) => coins.get(row) ?? 1 };
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

/** The sampler without a cache does not cut. */
function nucleusOf(golden: GoldenCase): number {
  return golden.hyper["sampler"] === "ddpm" ? 1 : (hyperNumber(golden, "nucleus_p") ?? 1);
}

/** Discrete flow matching with the corrector of the reference, which shortens the steps where it works hardest. */
function flowMixtures(steps: number): readonly Mixture[] {
  const mixtures: Mixture[] = [];
  let time = 1;
  while (time > (1 - 1e-5) / steps) {
    const t = Math.fround(time);
    const forth = 10 * t ** 0.25 * (1 - t) ** 0.25 + 1;
    const back = forth - 1;
    const dt = t === 1 ? 1 / steps : Math.min(1 / steps, 1 / (forth / t + back / (1 - t)));
    const before = Math.fround(t - Math.fround(dt));
    const written = t === 1 ? t - before : (forth * (t - before)) / t;
    const taken = t === 1 ? 0 : back * ((1 - before) / (1 - t) - 1);
    mixtures.push({ masked: [written, 1 - written], visible: [1 - taken, taken] });
    time = t - dt;
  }
  return mixtures;
}

function ruleOf(golden: GoldenCase): RemaskRule {
  const eta = hyperNumber(golden, "eta") ?? 0.008;
  switch (golden.hyper["sampler"]) {
    // SVDD has no other sampler than the plain one.
    case undefined:
    case "mdlm":
    case "ddpm":
      return { kind: "none" };
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
