import { UnmaskError } from "../../core/errors.ts";
import type { Attention, Guidance } from "../../core/types.ts";
import { fixedBlocks } from "../blocks.ts";
import { type Canvas, continuationCanvas } from "../canvas.ts";
import type { GoldenRandom } from "../oracle/golden-random.ts";
import type { OracleDraw } from "../oracle/oracle.ts";
import { cfgGuidance } from "../pieces/guidance.ts";
import { gumbelSampler } from "../pieces/sampler.ts";
import { probabilityScorer, randomScorer } from "../pieces/scorer.ts";
import { quotaSelector } from "../pieces/selector.ts";
import type { DecodeState, Scorer, Selector, Strategy } from "../strategy.ts";
import { gumbelDraw } from "./draws.ts";
import { type GoldenCase, hyperCount, hyperNumber } from "./schema.ts";

/** How a golden case is run: our pieces put together as the reference function behaves, quirks included. */
export interface GoldenPlan {
  readonly strategy: Strategy;
  /** Absent: the prompt, then `genLen` masks. */
  readonly canvas?: Canvas;
  /** Ids the reference never chooses; most choose among all, the mask included. */
  readonly suppress?: readonly number[];
  /** Absent: every row sees the whole canvas. */
  readonly attention?: Attention;
  /** How recorded random numbers become tokens; absent: Gumbel noise. */
  readonly draw?: OracleDraw;
  /** The hashes of the file are of the cells that the forward saw, not of the whole canvas. */
  readonly hashesSeen?: boolean;
  /** False: the file does not list what a step commits. */
  readonly listsCommits?: boolean;
  /** Forwards at the end that the reference counts without listing them. */
  readonly unlistedForwards?: number;
  /** Forwards that the reference counts for one of ours. */
  readonly forwards?: number;
}

export type GoldenPlanner = (golden: GoldenCase, random: GoldenRandom) => GoldenPlan;

/**
 * LLaDA's loop with the pieces given: blocks, temperature, guidance and scorer as in the arguments. Where tokens are drawn
 * a step that changes nothing is not the last: the token drawn was the mask, the next one may be another.
 */
export function compose(golden: GoldenCase, selector: Selector, pieces: Partial<Strategy> = {}): GoldenPlan {
  const temperature = hyperNumber(golden, "temperature") ?? 0;
  const isDrawn = temperature > 0 || isRandomOrder(golden);
  return {
    strategy: {
      blocks: fixedBlocks(hyperCount(golden, "block_length") ?? genLength(golden)),
      sampler: gumbelSampler({ temperature, topK: 0, topP: 1 }),
      scorer: isRandomOrder(golden) ? randomScorer : probabilityScorer,
      selector: isDrawn ? { limit: () => Number.POSITIVE_INFINITY, ...selector } : selector,
      guidance: guidanceOf(golden),
      ...pieces,
    },
  };
}

/** A scale below 0 counts as none, in all of the references. */
export function guidanceOf(golden: GoldenCase, keep: readonly number[] = []): Guidance {
  return cfgGuidance(Math.max(0, hyperNumber(golden, "cfg_scale") ?? 0), keep);
}

/**
 * In a cached forward the reference counts its random numbers from the first row that it computes.
 *
 * @param extra `wasted`: a cached forward makes a random call more of which nothing is used; `open`: the first forward of
 * a block makes none; `each`: the first forward of a block computes no more rows than the others
 */
export function drawnFromBlock(
  plan: GoldenPlan,
  random: GoldenRandom,
  extra?: "wasted" | "open" | "each",
): GoldenPlan {
  const { sampler } = plan.strategy;
  let first = 0;
  const noise: typeof sampler.noise = (state, ...rest) => {
    const asked = sampler.noise(state, ...rest);
    const isCached = state.stepInBlock > 0;
    first = isCached || extra === "each" ? firstOfBlock(state) : 0;
    if (isCached && asked !== undefined && extra === "wasted") random.nextCall();
    return isCached || extra !== "open" ? asked : undefined;
  };
  return {
    ...plan,
    strategy: { ...plan.strategy, sampler: { ...sampler, noise } },
    draw: gumbelDraw(random, random.float64, () => first),
  };
}

/**
 * Rows in random order, by one random call a forward.
 *
 * @param uniform of the kind that the reference draws
 * @param isCached whether later forwards of a block count their numbers from its first row
 */
export function recordedOrder(
  random: GoldenRandom,
  uniform: GoldenRandom["float32"],
  isCached: boolean,
): Scorer {
  return {
    ...randomScorer,
    score: ({ state, candidates: { rows } }) => {
      const call = random.nextCall();
      const first = isCached && state.stepInBlock > 0 ? firstOfBlock(state) : 0;
      return Float64Array.from(rows, (row) => uniform(call, row - first));
    },
  };
}

export function isRandomOrder({ hyper }: GoldenCase): boolean {
  return hyper["remasking"] === "random";
}

function firstOfBlock({ targets, block }: DecodeState): number {
  return targets[block.start]!;
}

/** LLaDA's quotas for the steps in the arguments. A block ends with them, even where a token drawn was the mask itself. */
export function quotas(golden: GoldenCase, keepZeroSteps = true): Selector {
  const selector = quotaSelector({ steps: hyperCount(golden, "steps") ?? genLength(golden), keepZeroSteps });
  return { ...selector, limit: (state) => state.quotas.length };
}

export function genLength(golden: GoldenCase): number {
  return golden.genLen ?? hyperCount(golden, "gen_length") ?? hyperCount(golden, "max_gen_length") ?? 1;
}

export function startCanvas(golden: GoldenCase, plan: GoldenPlan): Canvas {
  return plan.canvas ?? continuationCanvas(golden.prompt, genLength(golden), golden.oracle.mask);
}

/** A list of numbers among the fields of a case or its file. */
export function numbers(value: unknown, what: string): readonly number[] {
  if (Array.isArray(value) && value.every((item) => typeof item === "number")) return value;
  throw new UnmaskError(
    "golden-invalid",
    `This is not a valid golden file: ${what} is not a list of numbers.`,
  );
}

/** A table of numbers among the fields of a case or its file. */
export function table(value: unknown, what: string): readonly (readonly number[])[] {
  if (Array.isArray(value)) return value.map((row) => numbers(row, what));
  throw new UnmaskError("golden-invalid", `This is not a valid golden file: ${what} is not a table.`);
}

/** The order turned round. */
export function leastFirst(scorer: Scorer): Scorer {
  return { ...scorer, score: (step) => scorer.score(step).map((score) => -score) };
}

/** The id that ends a text; the files that name none have 62. */
export function eosOf(golden: GoldenCase): number {
  const id = golden.file["eosId"];
  return typeof id === "number" ? id : 62;
}
