import { dualCache, prefixCache } from "../../cache/frozen.ts";
import type { CachePolicy } from "../../cache/policy.ts";
import { continuationCanvas, FILLED } from "../canvas.ts";
import { adaptiveBlocks } from "../decoders/adablock.ts";
import { daedal } from "../decoders/daedal.ts";
import { eotpControl } from "../decoders/eotp.ts";
import { learn2pdSelector } from "../decoders/learn2pd.ts";
import { overwriteReviser } from "../decoders/overwrite.ts";
import { remaskLoop } from "../decoders/remask-loop.ts";
import { saber } from "../decoders/saber.ts";
import { wino } from "../decoders/wino.ts";
import type { GoldenRandom } from "../golden-random.ts";
import { thresholdSelector } from "../selector.ts";
import type { Sampler, Scorer } from "../strategy.ts";
import { gumbelDraw } from "./draws.ts";
import {
  compose,
  drawnFromBlock,
  type GoldenPlan,
  type GoldenPlanner,
  genLength,
  isRandomOrder,
  numbers,
  quotas,
  recordedOrder,
} from "./plan.ts";
import { filterOf } from "./plans-parallel.ts";
import { type GoldenCase, hyperCount, hyperNumber } from "./schema.ts";

/** Decoders that take tokens back, replace them, or change the length of the canvas. */
export const REVISING_PLANS: Readonly<Record<string, GoldenPlanner>> = {
  wino: (golden) => {
    const { selector, reviser } = wino({
      threshold: hyperNumber(golden, "threshold") ?? 0.6,
      back: hyperNumber(golden, "threshold_back") ?? 0.9,
    });
    return compose(golden, selector, { reviser });
  },
  saber: (golden) => {
    const { selector, reviser } = saber({ least: hyperCount(golden, "n") ?? 2 });
    return compose(golden, selector, { reviser });
  },
  rediff: rediffPlan,
  "learn2pd-eotp": (golden) =>
    compose(
      golden,
      learn2pdSelector({
        filter: filterOf(golden),
        threshold: hyperNumber(golden, "accept_thres") ?? 0.96,
        plan: quotas(golden).plan!,
      }),
      {
        length: eotpControl({
          eosIds: [eosOf(golden)],
          minConf: 0,
          notBefore: "start",
          minTokens: 0,
          scope: "canvas",
        }),
      },
    ),
  daedal: (golden, random) => {
    const { selector, length, blocks } = daedal({
      endIds: [eosOf(golden)],
      maxLength: hyperCount(golden, "max_gen_length") ?? 2048,
      block: hyperCount(golden, "block_length") ?? 32,
      high: hyperNumber(golden, "high_conf_threshold") ?? 0.9,
      low: hyperNumber(golden, "low_conf_threshold") ?? 0.1,
      factor: hyperCount(golden, "expansion_factor") ?? 8,
      startEos: hyperNumber(golden, "eos_confidence_threshold") ?? 0.5,
      growEos: hyperNumber(golden, "expand_eos_confidence_threshold") ?? 0.9,
      window: hyperCount(golden, "eos_check_tokens") ?? 32,
    });
    const plan = compose(golden, selector, { length, blocks });
    const start = hyperCount(golden, "initial_gen_length") ?? 64;
    const { noise } = plan.strategy.sampler;
    const sampler: Sampler = {
      ...plan.strategy.sampler,
      // No noise is drawn while the length is looked for.
      noise: (state, ...rest) => (state.block.end === 0 ? undefined : noise(state, ...rest)),
    };
    return {
      draw: gumbelDraw(random, random.float32),
      strategy: {
        ...plan.strategy,
        sampler: secondBest(sampler, golden.oracle.mask),
        scorer: renormalised,
      },
      canvas: continuationCanvas(golden.prompt, start, golden.oracle.mask),
    };
  },
  "pcsampler-remdm": (golden) => {
    const ratio = hyperNumber(golden, "init_unmask_ratio") ?? 0.875;
    const { selector, reviser } = remaskLoop({
      filled: (cells) => Math.round(cells * ratio),
      tokens: hyperCount(golden, "unmask_k") ?? 1,
      loops: hyperNumber(golden, "loop_steps") ?? 32,
    });
    const plan = compose(golden, selector, { reviser });
    const { sampler } = plan.strategy;
    // The reference draws no noise for a forward after which tokens are taken back.
    const noise: Sampler["noise"] = (state, ...rest) =>
      selector.isPending!(state) ? undefined : sampler.noise(state, ...rest);
    return { ...plan, strategy: { ...plan.strategy, sampler: { ...sampler, noise } } };
  },
  "adablock-nocache": (golden, random) => adablockPlan(golden, random),
  "adablock-prefix": (golden, random) => drawnFromBlock(adablockPlan(golden, random, prefixCache(0)), random),
  "adablock-dual": (golden, random) => drawnFromBlock(adablockPlan(golden, random, dualCache(0)), random),
};

function adablockPlan(golden: GoldenCase, random: GoldenRandom, cache?: CachePolicy): GoldenPlan {
  return compose(golden, thresholdSelector(hyperNumber(golden, "threshold") ?? 0.9), {
    blocks: adaptiveBlocks({
      size: hyperCount(golden, "init_block_length") ?? 32,
      delimiters: numbers(golden.hyper["delimiter_ids"] ?? [], "delimiter_ids"),
      threshold: hyperNumber(golden, "delimiter_threshold") ?? Number.POSITIVE_INFINITY,
    }),
    // Unlike the others' random order, AdaBlock's is of float64 numbers.
    ...(isRandomOrder(golden) ? { scorer: recordedOrder(random, random.float64, cache !== undefined) } : {}),
    ...(cache === undefined ? {} : { cache }),
  });
}

function rediffPlan(golden: GoldenCase) {
  const blocks = genLength(golden) / (hyperCount(golden, "block_length") ?? genLength(golden));
  const reviser = overwriteReviser({
    steps: (hyperCount(golden, "steps") ?? genLength(golden)) / blocks,
    share: golden.hyper["revise"] === false ? 0 : (hyperNumber(golden, "revise_start") ?? 1),
    top: hyperNumber(golden, "revise_topk") ?? 1,
    confidence: 0,
    most: Number.POSITIVE_INFINITY,
  });
  const canvas = continuationCanvas(golden.prompt, genLength(golden), golden.oracle.mask);
  for (const [i, id] of numbers(golden["fakeAnswer"] ?? [], "fakeAnswer").entries()) {
    canvas.ids[golden.prompt.length + i] = id;
    canvas.kinds[golden.prompt.length + i] = FILLED;
  }
  // The ids that stand for LLaDA's ends of text and headers are never written.
  return { ...compose(golden, quotas(golden, false), { reviser }), canvas, suppress: [59, 60, 61, 62] };
}

/** Where every row says mask, the reference looks at what comes next instead. */
function secondBest(sampler: Sampler, maskId: number): Sampler {
  return {
    ...sampler,
    needs: { topK: 2 },
    draw: (stats, rows, at, state) => {
      const drawn = sampler.draw(stats, rows, at, state);
      if (drawn.ids.some((id) => id !== maskId)) return drawn;
      for (const [i, r] of at.entries()) {
        drawn.ids[i] = stats.topIds[r * stats.k + 1]!;
        drawn.probabilities[i] = Math.exp(stats.topLogits[r * stats.k + 1]! - stats.lse[r]!);
      }
      return drawn;
    },
  };
}

/** Ranks a second-best token by its probability without the best one. */
const renormalised: Scorer = {
  score: ({ stats, candidates: { ids, at, probabilities }, traits }) =>
    probabilities.map((p, i) => {
      const best = at[i]! * stats.k;
      if (stats.topIds[best] !== traits.maskId || ids[i] === traits.maskId) return p;
      return p / (1 - Math.exp(stats.topLogits[best]! - stats.lse[at[i]!]!));
    }),
  confidence: "probability",
};

export function eosOf(golden: GoldenCase): number {
  const id = golden.file["eosId"];
  return typeof id === "number" ? id : 62;
}
