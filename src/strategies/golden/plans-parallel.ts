import { fixedBlocks } from "../blocks.ts";
import { continuationCanvas, FILLED } from "../canvas.ts";
import { creditSampler } from "../decoders/credit.ts";
import { dreamScorer } from "../decoders/dream.ts";
import { entropyBoundSelector, entropyThresholdSelector } from "../decoders/entropy-bound.ts";
import { factorSelector } from "../decoders/factor.ts";
import { hierarchySelector } from "../decoders/hierarchy.ts";
import { positionCalibratedScorer } from "../decoders/pc-sampler.ts";
import { prophetStop } from "../decoders/prophet.ts";
import { slowFastSelector } from "../decoders/slowfast.ts";
import { cfgGuidance } from "../pieces/guidance.ts";
import { entropyScorer, randomScorer } from "../pieces/scorer.ts";
import { thresholdSelector } from "../pieces/selector.ts";
import type { GuidanceControl, Scorer, Selector } from "../strategy.ts";
import { creditDraw, gumbelDraw } from "./draws.ts";
import {
  compose,
  drawnFromBlock,
  type GoldenPlan,
  type GoldenPlanner,
  genLength,
  isRandomOrder,
  leastFirst,
  numbers,
  quotas,
  table,
} from "./plan.ts";
import { klassPlan } from "./plan-klass.ts";
import { learn2pdPlan } from "./plan-learn2pd.ts";
import { type GoldenCase, hyperCount, hyperNumber } from "./schema.ts";

/** Decoders that only choose: which rows, in which order, how many a step. */
export const PARALLEL_PLANS: Readonly<Record<string, GoldenPlanner>> = {
  "dinfer-threshold": (golden, random) => {
    const threshold = hyperNumber(golden, "threshold") ?? 0.9;
    return drawnFromBlock(composeUntilStuck(golden, withoutMasks(nearBest(threshold))), random, "each");
  },
  "dinfer-hierarchy": (golden, random) => {
    const selector = hierarchySelector({
      threshold: hyperNumber(golden, "threshold") ?? Number.POSITIVE_INFINITY,
      // Without a value it is 0.4; null means none.
      low: Object.hasOwn(golden.hyper, "low_threshold") ? (hyperNumber(golden, "low_threshold") ?? 0) : 0.4,
    });
    return drawnFromBlock(composeUntilStuck(golden, selector), random, "each");
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
    const plan = drawnFromBlock(composeUntilStuck(golden, selector), random, "each");
    return { ...plan, draw: creditDraw(plan.draw!, credit) };
  },
  dparallel: (golden) => {
    const threshold = hyperNumber(golden, "threshold");
    if (threshold === null) return compose(golden, quotas(golden, false));
    // Random numbers stand in for the entropies, the least first; the probabilities are still noted.
    if (isRandomOrder(golden)) {
      return compose(golden, thresholdSelector(-threshold), {
        scorer: { ...leastFirst(randomScorer), confidence: "probability" },
      });
    }
    return compose(golden, entropyThresholdSelector(threshold), { scorer: entropyScorer });
  },
  "pcsampler-pc": (golden) => {
    const scorer = positionCalibratedScorer({
      lambda: hyperNumber(golden, "lambd") ?? 0.25,
      alpha: hyperNumber(golden, "alpha") ?? 10,
      frequency: numbers(golden.file["frequency"], "frequency"),
    });
    return compose(
      golden,
      // Only the open block is scored.
      { ...quotas(golden), scope: "open" },
      { scorer: golden.hyper["remasking"] === "random" ? calibratedRandom(scorer) : scorer },
    );
  },
  "pcsampler-eb": (golden) =>
    compose(golden, entropyBoundSelector(hyperNumber(golden, "gamma") ?? 0.1), { scorer: entropyScorer }),
  "pcsampler-factor": (golden) => {
    const factor = hyperNumber(golden, "factor");
    if (factor !== null) return compose(golden, factorSelector({ factor, takesAllOnLastFailure: true }));
    const threshold = hyperNumber(golden, "threshold");
    return compose(golden, threshold === null ? quotas(golden, false) : thresholdSelector(threshold));
  },
  "pcsampler-margin": (golden) => wholeCanvas(golden, dreamScorer("margin", 0)),
  "pcsampler-entropy": (golden) => wholeCanvas(golden, dreamScorer("entropy", 0)),
  learn2pd: (golden, random) => learn2pdPlan(golden, random, false),
  prophet: prophetPlan,
  klass: klassPlan,
  slowfast: (golden, random) => {
    const cycles = hyperCount(golden, "max_sub_cycles_per_block");
    const selector = slowFastSelector({
      exploration: hyperCount(golden, "k_exploration_steps") ?? 6,
      reach: hyperNumber(golden, "cycle_len_confidence_threshold") ?? 0.3,
      window: hyperCount(golden, "cycle_length_stability_window") ?? 2,
      deviation: hyperNumber(golden, "cycle_length_stability_std_dev_threshold") ?? 1,
      threshold: hyperNumber(golden, "high_confidence_threshold") ?? 0.9,
      exploresFull: true,
      ...(cycles === null ? {} : { cycles }),
    });
    const plan = compose(golden, { ...selector, scope: "open" });
    return {
      ...plan,
      draw: gumbelDraw(random, random.float32, () => golden.prompt.length),
      // Both branches of guidance are forwards of their own.
      forwards: plan.strategy.guidance.kind === "cfg" ? 2 : 1,
    };
  },
};

/** PC-Sampler calibrates whatever it is given for a probability, the number drawn for a cell too. */
function calibratedRandom(scorer: Scorer): Scorer {
  return {
    score: (step) => {
      const probabilities = randomScorer.score(step);
      return scorer.score({ ...step, candidates: { ...step.candidates, probabilities } });
    },
    confidence: "none",
  };
}

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
    answer: () =>
      [0, 1, 2, 3, 4]
        .map((place) => first + place)
        .filter((row) => row >= prompt.length && row < canvas.ids.length),
    leavesMasks: true,
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

/** As {@link compose}, but a step that changes nothing is the last, drawn or not: the driver of dInfer's decoders ends there. */
function composeUntilStuck(golden: GoldenCase, selector: Selector): GoldenPlan {
  return compose(golden, selector, { selector });
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
