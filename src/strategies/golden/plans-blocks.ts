import { fixedBlocks, gridBlocks } from "../blocks.ts";
import { continuationCanvas, MASKED } from "../canvas.ts";
import { blockEosStop, dynamicBlockSelector, evenQuota } from "../decoders/dynamic-block.ts";
import { tokenEditReviser } from "../decoders/token-edit.ts";
import { defineMemory } from "../memory.ts";
import type { GoldenRandom } from "../oracle/golden-random.ts";
import { type SamplerOptions, temperedSampler } from "../pieces/sampler.ts";
import type { DecodeState, LengthControl, Rng, Scorer, Selector, StopRule } from "../strategy.ts";
import { multinomialDraw } from "./draws.ts";
import {
  compose,
  drawnFromBlock,
  eosOf,
  type GoldenPlan,
  type GoldenPlanner,
  genLength,
  numbers,
} from "./plan.ts";
import { keptGuidance, openedTable } from "./plans-dllm.ts";
import { type GoldenCase, hyperCount, hyperNumber } from "./schema.ts";

/** Decoders of block-causal models: a forward sees the blocks before the open one, and the open one. */
export const BLOCK_PLANS: Readonly<Record<string, GoldenPlanner>> = {
  "dllm-llada2": (golden, random) => {
    const size = hyperCount(golden, "block_size") ?? 32;
    // A `minimal_topk` of 0 leaves the steps as they are.
    const least = hyperCount(golden, "minimal_topk", 0) ?? 1;
    const steps = Math.min(
      hyperCount(golden, "steps_per_block", 0) ?? 32,
      Math.floor(genLength(golden) / least),
    );
    const selector = dynamicBlockSelector({
      threshold: hyperNumber(golden, "threshold") ?? 0.95,
      quota: evenQuota(size, steps),
    });
    const eos = eosOf(golden);
    const stops = golden.hyper["eos_early_stop"] === true;
    // The reference leaves the masks of a block that holds an end of text, and goes on with the next.
    const limit = (state: DecodeState): number =>
      stops && state.stepInBlock > 0 && blockIds(state, size).includes(eos) ? 0 : steps;
    return drawn(random, size, aligned(golden, size, { ...selector, limit }), llada2Options(golden));
  },
  "dllm-llada21": (golden, random) => {
    const size = hyperCount(golden, "block_size") ?? 32;
    const selector = dynamicBlockSelector({
      threshold: hyperNumber(golden, "threshold") ?? 0.95,
      quota: () => hyperCount(golden, "num_to_transfer", 0) ?? 1,
    });
    const temperature = hyperNumber(golden, "temperature") ?? 0;
    // Nothing but being full ends a block: what changes nothing now may be drawn otherwise in the next step.
    const limit = (): number => Number.POSITIVE_INFINITY;
    const reviser = tokenEditReviser({
      threshold: hyperNumber(golden, "editing_threshold") ?? 0.9,
      postSteps: hyperNumber(golden, "max_post_steps") ?? 16,
      ...(temperature === 0
        ? {}
        : {
            probability: (stats, r) =>
              Math.exp(stats.sampledLogits[r]! / temperature - stats.temperedLse![r]!),
          }),
    });
    const plan = drawn(random, size, aligned(golden, size, { ...selector, limit }), llada2Options(golden));
    const rule = blockEosStop([eosOf(golden)]);
    const stop: StopRule = { stop: (step) => (reviser.isPending!(step.state) ? null : rule.stop(step)) };
    const stops = golden.hyper["eos_early_stop"] === true;
    return { ...plan, strategy: { ...plan.strategy, reviser, ...(stops ? { stop } : {}) } };
  },
  "dllm-bd3lm": (golden, random) => {
    const size = hyperCount(golden, "block_size") ?? 32;
    const blocks = Math.ceil(genLength(golden) / size);
    const steps =
      hyperCount(golden, "steps_per_block") ?? Math.ceil((hyperCount(golden, "steps") ?? 128) / blocks);
    const plan = compose(golden, prefixFirst(openedTable(golden, steps)), {
      blocks: fixedBlocks(size),
      guidance: keptGuidance(golden),
      stop: spentEosStop(eosOf(golden)),
    });
    const { strategy, draw } = drawnFromBlock(plan, random, "open");
    const shifted = golden.hyper["right_shift_logits"] === true;
    return {
      strategy: { ...strategy, scorer: countedInBlock(strategy.scorer) },
      ...(draw === undefined ? {} : { draw }),
      // With shifted logits the first row of a block is predicted by the last row of the prefix, which has not seen it.
      ...(shifted ? { attention: { kind: "block-causal", block: size, align: "prompt-end" } } : {}),
      ...(shifted && golden.prompt.length === 0
        ? {
            canvas: continuationCanvas([Number(golden.file["bosId"])], genLength(golden), golden.oracle.mask),
          }
        : {}),
      hashesSeen: true,
      forwards: plan.strategy.guidance.kind === "cfg" ? 2 : 1,
    };
  },
  sdar: (golden, random) => {
    const size = hyperCount(golden, "block_length") ?? 4;
    const steps = hyperCount(golden, "denoising_steps") ?? size;
    const threshold =
      golden.hyper["remasking_strategy"] === "low_confidence_dynamic"
        ? (hyperNumber(golden, "confidence_threshold") ?? 0.85)
        : Number.POSITIVE_INFINITY;
    const selector = dynamicBlockSelector({ threshold, quota: evenQuota(size, steps) });
    const prefill = Math.floor(golden.prompt.length / size) * size;
    const stops = numbers(golden.hyper["stopping_criteria_idx"] ?? [], "stopping_criteria_idx");
    const plan = drawn(random, size, aligned(golden, size, storing(selector, prefill)), {
      temperature: hyperNumber(golden, "temperature") ?? 1,
      topK: hyperNumber(golden, "top_k") ?? 0,
      topP: hyperNumber(golden, "top_p") ?? 1,
    });
    return {
      ...plan,
      strategy: {
        ...plan.strategy,
        ...(golden.hyper["remasking_strategy"] === "sequential" ? { scorer: leftFirst } : {}),
        ...(prefill > 0 ? { length: PREFILL } : {}),
        ...(stops.length > 0 ? { stop: afterStore(blockEosStop(stops)) } : {}),
      },
    };
  },
};

/** Tokens drawn from the tempered and filtered distribution, one call for the cells of a block. */
function drawn(random: GoldenRandom, size: number, plan: GoldenPlan, options: SamplerOptions): GoldenPlan {
  return {
    ...plan,
    strategy: { ...plan.strategy, sampler: temperedSampler(options) },
    draw: multinomialDraw(random, (row) => row % size),
  };
}

/** LLaDA2 filters only what it draws, and not to a nucleus of 0. */
function llada2Options(golden: GoldenCase): SamplerOptions {
  const temperature = hyperNumber(golden, "temperature") ?? 0;
  const topP = hyperNumber(golden, "top_p") ?? 1;
  return temperature === 0
    ? { temperature, topK: 0, topP: 1 }
    : { temperature, topK: hyperNumber(golden, "top_k") ?? 0, topP: topP > 0 ? topP : 1 };
}

/** Blocks at multiples of their size; the canvas is filled up to one. */
function aligned(golden: GoldenCase, size: number, selector: Selector): GoldenPlan {
  const cells = Math.ceil((golden.prompt.length + genLength(golden)) / size) * size;
  return {
    ...compose(golden, selector, {
      blocks: gridBlocks(size, { kind: "block-causal", block: size, align: "absolute" }),
    }),
    canvas: continuationCanvas(golden.prompt, cells - golden.prompt.length, golden.oracle.mask),
    hashesSeen: true,
  };
}

/** Tokens of the block on the grid, those of the prompt among them. */
function blockIds({ canvas, targets, block }: DecodeState, size: number): Int32Array {
  const first = Math.floor(targets[block.start]! / size) * size;
  return canvas.ids.subarray(first, first + size);
}

/** A forward over the cells before each block: without a cache it changes nothing, but the reference counts it. */
function prefixFirst(selector: Selector): Selector {
  return {
    ...selector,
    scope: "open",
    plan: (...args) => [0, ...selector.plan!(...args)],
    visible: ({ stepInBlock, targets, block }) =>
      stepInBlock === 0 ? targets[block.start]! : targets[block.end - 1]! + 1,
  };
}

/** Random scores of a block are counted from its first cell; none are drawn for the forward over what is before it. */
function countedInBlock(scorer: Scorer): Scorer {
  return {
    ...scorer,
    score: (step) => {
      const { state, candidates, rng } = step;
      const from = state.targets[state.block.start]!;
      const uniforms: Rng["uniforms"] = (at, rows) =>
        rng.uniforms(
          at,
          rows.map((row) => row - from),
        );
      if (state.stepInBlock === 0) return new Float64Array(candidates.rows.length);
      return scorer.score({ ...step, rng: { ...rng, uniforms } });
    },
  };
}

/** Ends a run behind a block that holds an end of text, also where its steps are over and it kept masks. */
function spentEosStop(eos: number): StopRule {
  const full = blockEosStop([eos]);
  return {
    stop: (step) => {
      const { canvas, targets, block, quotas, stepInBlock } = step.state;
      const isSpent = stepInBlock + 1 >= quotas.length;
      const held = targets.subarray(block.start, block.end).some((row) => canvas.ids[row] === eos);
      if (isSpent && held) return { commits: [], overwrites: [], reason: "eos" };
      return full.stop(step);
    },
  };
}

/** The block whose keys and values were stored last. */
const stored = defineMemory<{ block: number }>("golden-store", () => ({ block: -1 }));

/** A forward over each full block, and over the full blocks of the prompt: the reference stores its cache with them. */
function storing(selector: Selector, prefill: number): Selector {
  const isFull = ({ canvas, targets, block }: DecodeState): boolean =>
    targets.subarray(block.start, block.end).every((row) => canvas.kinds[row] !== MASKED);
  return {
    ...selector,
    visible: (state) => (state.block.end === 0 ? prefill : selector.visible!(state)),
    isPending: (state) =>
      state.block.end > 0 && isFull(state) && stored.of(state).block !== state.block.start,
    select: (step, scores) => {
      if (isFull(step.state)) stored.of(step.state).block = step.state.block.start;
      return selector.select(step, scores);
    },
  };
}

const PREFILL: LengthControl = { prepare: () => ({ edit: null, again: false }), edit: () => null };

function afterStore({ stop }: StopRule): StopRule {
  return { stop: (step) => (stored.of(step.state).block === step.state.block.start ? stop(step) : null) };
}

/** SDAR's `sequential`: the first masks of the block. */
const leftFirst: Scorer = {
  score: ({ candidates: { rows } }) => Float64Array.from(rows, (row) => -row),
  confidence: "probability",
};
