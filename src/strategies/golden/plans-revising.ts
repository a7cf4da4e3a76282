import { dualCache, prefixCache } from "../../cache/frozen.ts";
import type { CachePolicy } from "../../cache/policy.ts";
import { continuationCanvas, FILLED } from "../canvas.ts";
import { adaptiveBlocks } from "../decoders/adablock.ts";
import { daedal } from "../decoders/daedal.ts";
import { overwriteReviser } from "../decoders/overwrite.ts";
import { remaskLoop } from "../decoders/remask-loop.ts";
import type { GoldenRandom } from "../oracle/golden-random.ts";
import { cfgGuidance } from "../pieces/guidance.ts";
import { probabilityScorer } from "../pieces/scorer.ts";
import { rank, thresholdSelector } from "../pieces/selector.ts";
import { masksInBlock } from "../progress.ts";
import { sampledProbability } from "../rows.ts";
import type { GuidanceControl, Sampler, Scorer, Selector } from "../strategy.ts";
import { gumbelDraw } from "./draws.ts";
import {
  compose,
  drawnFromBlock,
  eosOf,
  type GoldenPlan,
  type GoldenPlanner,
  genLength,
  isRandomOrder,
  numbers,
  quotas,
  recordedOrder,
} from "./plan.ts";
import { drawnScores, learn2pdPlan } from "./plan-learn2pd.ts";
import { saberPlan, winoPlan } from "./plans-taken-masks.ts";
import { type GoldenCase, hyperCount, hyperNumber } from "./schema.ts";

/** Decoders that take tokens back, replace them, or change the length of the canvas. */
export const REVISING_PLANS: Readonly<Record<string, GoldenPlanner>> = {
  wino: winoPlan,
  saber: saberPlan,
  rediff: rediffPlan,
  "learn2pd-eotp": (golden, random) => learn2pdPlan(golden, random, true),
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
    const scale = hyperNumber(golden, "cfg_scale") ?? 0;
    // The length is looked for without guidance.
    const guide: GuidanceControl = {
      plan: ({ block }) => cfgGuidance(block.end === 0 ? 0 : scale),
      observe: () => {},
    };
    const plan = compose(golden, bestOfMasks(selector), {
      length,
      blocks,
      ...(scale === 0 ? {} : { guide }),
    });
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
    const tokens = hyperCount(golden, "unmask_k") ?? 1;
    const forwards = (genLength(golden) * (hyperNumber(golden, "init_unmask_ratio") ?? 0.875)) / tokens;
    const { selector, reviser } = remaskLoop({
      // The reference counts forwards: a token drawn may be the mask.
      filled: (cells, { stepInBlock }) => (stepInBlock < forwards ? cells : 0),
      tokens,
      // Where nothing is written yet its loops pass without a forward.
      loops: forwards === 0 ? 0 : (hyperNumber(golden, "loop_steps") ?? 32),
    });
    const plan = compose(golden, selector, { reviser, scorer: probabilityScorer });
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

function rediffPlan(golden: GoldenCase, random: GoldenRandom) {
  const blocks = genLength(golden) / (hyperCount(golden, "block_length") ?? genLength(golden));
  // The reference ranks what it replaces by the numbers that it ranks the masks by.
  const drawn = golden.hyper["remasking"] === "random" ? drawnScores(random) : undefined;
  const reviser = overwriteReviser({
    steps: (hyperCount(golden, "steps") ?? genLength(golden)) / blocks,
    share: golden.hyper["revise"] === false ? 0 : (hyperNumber(golden, "revise_start") ?? 1),
    // Its 0 is no limit.
    top: hyperNumber(golden, "revise_topk") || 1,
    confidence: 0,
    most: Number.POSITIVE_INFINITY,
    remasks: true,
    ...(drawn === undefined ? {} : { order: drawn.of }),
  });
  const selector: Selector = {
    ...quotas(golden),
    // Steps without a token are left out only where the open block is full.
    isPending: () => false,
    limit: (state) => (masksInBlock(state, state.block.start) === 0 ? 0 : state.quotas.length),
  };
  const canvas = continuationCanvas(golden.prompt, genLength(golden), golden.oracle.mask);
  for (const [i, id] of numbers(golden["fakeAnswer"] ?? [], "fakeAnswer").entries()) {
    canvas.ids[golden.prompt.length + i] = id;
    canvas.kinds[golden.prompt.length + i] = FILLED;
  }
  // The ids that stand for LLaDA's ends of text and headers are never written.
  return {
    ...compose(golden, selector, { reviser, ...(drawn === undefined ? {} : { scorer: drawn.scorer }) }),
    canvas,
    suppress: [59, 60, 61, 62],
  };
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
        const place = r * stats.k + (stats.topIds[r * stats.k] === maskId ? 1 : 0);
        drawn.ids[i] = stats.topIds[place]!;
        drawn.probabilities[i] = Math.exp(stats.topLogits[place]! - stats.lse[r]!);
      }
      return drawn;
    },
  };
}

/** And then it fills one cell, however sure it is of others. */
function bestOfMasks(selector: Selector): Selector {
  return {
    ...selector,
    select: (step, scores) => {
      const { stats, candidates, traits } = step;
      if (candidates.at.some((r) => stats.sampledIds[r] !== traits.maskId))
        return selector.select(step, scores);
      return rank(scores)
        .slice(0, 1)
        .map((index) => ({ index, reason: "best" }));
    },
  };
}

/** Ranks a token that stands in for the mask by its probability without the mask. */
const renormalised: Scorer = {
  score: ({ stats, candidates: { ids, at, probabilities }, traits }) =>
    probabilities.map((p, i) => {
      const r = at[i]!;
      if (stats.sampledIds[r] !== traits.maskId || ids[i] === traits.maskId) return p;
      return p / (1 - sampledProbability(stats, r));
    }),
  confidence: "probability",
};
