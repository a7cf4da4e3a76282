import type { CommitFilter } from "../../model/commit-filter.ts";
import { fixedBlocks } from "../blocks.ts";
import { continuationCanvas, FILLED } from "../canvas.ts";
import { creditSampler } from "../decoders/credit.ts";
import { dreamScorer } from "../decoders/dream.ts";
import { entropyBoundSelector, entropyThresholdSelector } from "../decoders/entropy-bound.ts";
import { factorSelector } from "../decoders/factor.ts";
import { hierarchySelector } from "../decoders/hierarchy.ts";
import { klassSelector } from "../decoders/klass.ts";
import { learn2pdSelector } from "../decoders/learn2pd.ts";
import { positionCalibratedScorer } from "../decoders/pc-sampler.ts";
import { prophetStop } from "../decoders/prophet.ts";
import { slowFastSelector } from "../decoders/slowfast.ts";
import { cfgGuidance } from "../guidance.ts";
import { entropyScorer, probabilityScorer, randomScorer } from "../scorer.ts";
import { thresholdSelector } from "../selector.ts";
import type { GuidanceControl, Scorer, Selector } from "../strategy.ts";
import { creditDraw, gumbelDraw } from "./draws.ts";
import { compose, drawnFromBlock, type GoldenPlanner, genLength, numbers, quotas, table } from "./plan.ts";
import { type GoldenCase, hyperCount, hyperNumber } from "./schema.ts";

/** Decoders that only choose: which rows, in which order, how many a step. */
export const PARALLEL_PLANS: Readonly<Record<string, GoldenPlanner>> = {
  "dinfer-threshold": (golden, random) => {
    const threshold = hyperNumber(golden, "threshold") ?? 0.9;
    return drawnFromBlock(compose(golden, withoutMasks(nearBest(threshold))), random, "each");
  },
  "dinfer-hierarchy": (golden, random) => {
    const selector = hierarchySelector({
      threshold: hyperNumber(golden, "threshold") ?? Number.POSITIVE_INFINITY,
      // Without a value it is 0.4; null means none.
      low: Object.hasOwn(golden.hyper, "low_threshold") ? (hyperNumber(golden, "low_threshold") ?? 0) : 0.4,
    });
    return drawnFromBlock(compose(golden, selector), random, "each");
  },
  "dinfer-credit": (golden, random) => {
    const selector = withoutMasks(nearBest(hyperNumber(golden, "threshold") ?? 0.9));
    const credit = {
      alpha: hyperNumber(golden, "credit_alpha") ?? 0.7,
      gamma: hyperNumber(golden, "boost_gamma") ?? 0.2,
      decay: hyperNumber(golden, "decay_beta") ?? 0.8,
    };
    if ((hyperNumber(golden, "temperature") ?? 0) === 0) {
      return compose(golden, selector, { sampler: creditSampler(credit) });
    }
    const plan = drawnFromBlock(compose(golden, selector), random, "each");
    return { ...plan, draw: creditDraw(plan.draw!, credit) };
  },
  dparallel: (golden) => {
    const threshold = hyperNumber(golden, "threshold");
    if (threshold === null) return compose(golden, quotas(golden, false));
    return compose(golden, entropyThresholdSelector(threshold), { scorer: entropyScorer });
  },
  "pcsampler-pc": (golden) => {
    const scorer = positionCalibratedScorer({
      lambda: hyperNumber(golden, "lambd") ?? 0.25,
      alpha: hyperNumber(golden, "alpha") ?? 10,
      frequency: numbers(golden.file["frequency"], "frequency"),
    });
    return compose(golden, quotas(golden), { scorer });
  },
  "pcsampler-eb": (golden) =>
    compose(golden, entropyBoundSelector(hyperNumber(golden, "gamma") ?? 0.1), { scorer: entropyScorer }),
  "pcsampler-factor": (golden) =>
    compose(
      golden,
      factorSelector({ factor: hyperNumber(golden, "factor") ?? 1, takesAllOnLastFailure: true }),
    ),
  "pcsampler-margin": (golden) => wholeCanvas(golden, dreamScorer("margin", 0)),
  "pcsampler-entropy": (golden) => wholeCanvas(golden, dreamScorer("entropy", 0)),
  learn2pd: (golden) =>
    compose(
      golden,
      learn2pdSelector({
        filter: filterOf(golden),
        threshold: hyperNumber(golden, "accept_thres") ?? 0.96,
        plan: quotas(golden).plan!,
      }),
    ),
  prophet: prophetPlan,
  klass: (golden) => {
    const alg = golden.hyper["alg"] ?? "klass";
    if (alg !== "klass") return compose(golden, upToQuotas(golden), { scorer: klassScorer(alg) });
    return compose(
      golden,
      klassSelector({
        threshold: hyperNumber(golden, "conf_threshold") ?? 0.9,
        divergence: hyperNumber(golden, "kl_threshold") ?? 0.01,
        history: hyperCount(golden, "kl_history_length") ?? 2,
        take: takeOf(golden),
        plan: quotas(golden).plan!,
        leavesMasks: true,
      }),
    );
  },
  slowfast: (golden, random) => ({
    draw: gumbelDraw(random, random.float32, () => golden.prompt.length),
    ...compose(
      golden,
      slowFastSelector({
        exploration: hyperCount(golden, "k_exploration_steps") ?? 6,
        reach: hyperNumber(golden, "cycle_len_confidence_threshold") ?? 0.3,
        window: hyperCount(golden, "cycle_length_stability_window") ?? 2,
        deviation: hyperNumber(golden, "cycle_length_stability_std_dev_threshold") ?? 1,
        threshold: hyperNumber(golden, "high_confidence_threshold") ?? 0.9,
        exploresFull: true,
      }),
    ),
  }),
};

/** dInfer's rule: near-ties of the best row go too. */
function nearBest(threshold: number): Selector {
  return {
    select: (step, scores) =>
      thresholdSelector(Math.min(threshold, Math.max(...scores) - 1e-5)).select(step, scores),
  };
}

/** Rows whose best token is the mask are no candidates; with none left the decoder is stuck. */
function withoutMasks(selector: Selector): Selector {
  return {
    ...selector,
    select: (step, scores) => {
      const { ids } = step.candidates;
      const usable = scores.map((score, index) => (ids[index] === step.traits.maskId ? Number.NaN : score));
      const best = usable.filter((score) => !Number.isNaN(score));
      if (best.length === 0) return [];
      return selector
        .select(
          step,
          usable.map((score) => (Number.isNaN(score) ? Number.NEGATIVE_INFINITY : score)),
        )
        .filter(({ index }) => ids[index] !== step.traits.maskId);
    },
  };
}

/** The block restriction is overwritten in the reference: blocks only set the quotas. */
function wholeCanvas(golden: GoldenCase, scorer: Scorer) {
  return compose(golden, { ...quotas(golden), scope: "canvas" }, { scorer });
}

export function filterOf(golden: GoldenCase): CommitFilter {
  const filter = golden.file["filter"];
  const fields: Record<string, unknown> = typeof filter === "object" && filter !== null ? { ...filter } : {};
  return {
    size: hyperCount(golden, "block_length") ?? 32,
    w1: table(fields["W1"], "filter.W1"),
    b1: numbers(fields["b1"], "filter.b1"),
    w2: table(fields["W2"], "filter.W2"),
    b2: numbers(fields["b2"], "filter.b2"),
  };
}

function prophetPlan(golden: GoldenCase) {
  const { hyper, prompt, oracle } = golden;
  const fixed = table(hyper["constraints"] ?? [], "constraints");
  const canvas = continuationCanvas(prompt, genLength(golden), oracle.mask);
  for (const [offset, id] of fixed) {
    canvas.ids[prompt.length + offset!] = id!;
    canvas.kinds[prompt.length + offset!] = FILLED;
  }
  const steps = hyperCount(golden, "steps") ?? genLength(golden);
  const watches = hyper["analyze_gap"] === true && hyperNumber(golden, "answer_start_pos") !== null;
  const bars: Record<string, unknown> = { ...(hyper["early_exit_thresholds"] as object | null) };
  const bar = (key: string, otherwise: number) => (typeof bars[key] === "number" ? bars[key] : otherwise);
  const first = hyperNumber(golden, "answer_start_pos") ?? prompt.length;
  const stop = prophetStop({
    steps,
    gaps: [bar("early", 7.5), bar("mid", 5), bar("late", 2.5)],
    answer: () => [0, 1, 2, 3, 4].map((place) => first + place).filter((row) => row < canvas.ids.length),
  });
  return {
    ...compose(golden, quotas(golden), {
      ...(watches ? { stop } : {}),
      ...(fixed.length > 0 ? forcedCellsMasked(golden, fixed) : {}),
      blocks: fixedBlocks(hyperCount(golden, "block_length") ?? 1),
    }),
    canvas,
  };
}

/** The unconditional branch of the reference does not see the cells that it forces either. */
function forcedCellsMasked({ prompt, ...golden }: GoldenCase, fixed: readonly (readonly number[])[]) {
  const scale = hyperNumber({ prompt, ...golden }, "cfg_scale") ?? 0;
  if (scale === 0) return {};
  const hidden = new Set(fixed.map(([offset]) => prompt.length + offset!));
  const guide: GuidanceControl = {
    plan: () => cfgGuidance(scale),
    unconditional: ({ canvas }, maskId) =>
      canvas.ids.map((id, row) => (row < prompt.length || hidden.has(row) ? maskId : id)),
    observe: () => {},
  };
  return { guide };
}

/** KLASS's baselines: the best rows of the open block by quota, which ends with the block. */
function upToQuotas(golden: GoldenCase): Selector {
  const { isPending: _isPending, ...selector } = quotas(golden);
  return { ...selector, scope: "open" };
}

/** Its `entropy` takes the least certain rows first: the sign is missing in the reference. */
function klassScorer(alg: unknown): Scorer {
  if (alg === "random") return randomScorer;
  if (alg === "topk_margin") return dreamScorer("margin", 0);
  if (alg !== "entropy") return probabilityScorer;
  return { ...entropyScorer, score: (step) => entropyScorer.score(step).map((score) => -score) };
}

function takeOf(golden: GoldenCase): "all" | "best" | "steadiest" {
  const named = golden.hyper["unmask_strategy"];
  return named === "max_conf" ? "best" : named === "min_kl" ? "steadiest" : "all";
}
