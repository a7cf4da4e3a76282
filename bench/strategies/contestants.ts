import { UnmaskError } from "../../src/core/errors.ts";
import { nearest } from "../../src/core/nearest.ts";
import type { ModelFacts } from "../../src/engine/ask/model-facts.ts";
import { lladaQuota } from "../../src/strategies/pieces/quota.ts";
import { PRESET_NAMES, PRESETS } from "../../src/strategies/recipe/presets.ts";
import schedule from "./schedule.json" with { type: "json" }; // unmask fit schedule --out bench/strategies/schedule.json

/** A decoder in the comparison. */
export interface Contestant {
  readonly name: string;
  readonly recipe: Readonly<Record<string, unknown>>;
  /** Cells it begins with where it finds the length by itself; the others get all that the canvas has. */
  readonly start?: number;
  /** What it begins with, from the right response to the prompt; what else `init` says is in the recipe. */
  draft?(response: string): string;
  /** It asks the autoregressive twin. */
  readonly companion?: true;
  /** It takes part in one round of so many, from the `first` on; absent: in all. */
  readonly rounds?: { readonly first: number; readonly every: number };
  /** Only on the shortest canvas. */
  readonly shortest?: true;
}

/** LLaDA as papers divide by it: one token a step, and every cell of a fixed length is filled. */
export const FIXED = "llada, fixed length";
/** The same with a plain stop at the end of the text: what a fair comparison divides by. */
export const PLAIN = "llada";

/** Guidance as people would use it, and the same leaving a branch out: two of a kind, for their branches. */
export const GUIDED = "fast-dllm + guidance";
export const ADAPTIVE = "fast-dllm + adaptive guidance";
/** The same with an unconditional branch that is computed once a block. */
export const RESIDUAL = "fast-dllm + residual guidance";
/** Draws tokens, as most searches need: what they are measured beside. */
export const DRAWN = "fast-dllm with drawn tokens";
/** Fewer steps than tokens, the same number of tokens in each: what a searched schedule is measured beside. */
export const UNIFORM = "uniform quota-table";
export const SEARCHED = "searched quota-table";
/** Begins with the right response: a user's own text, edited as it is wanted. */
export const WARM = "warm-start from the right text";
/** The same with a word that is wrong. */
export const SPOILED = "warm-start from a text with a wrong word";

/** The right response in the vectors of the masks instead of in the cells. */
export const BLENDED = "blend of the right text";
export const BLENDED_SPOILED = "blend of a text with a wrong word";

const EOTP = { eotp: { minConf: 0.9, notBefore: "start" } };
const BLEND = { preset: "fast-dllm", init: { blend: 0.5 } };
const DRAWING = { preset: "fast-dllm", temperature: 0.5 };
/** What responses to the tasks look like: a calculation, where there is one, and an answer. */
const ANSWER = "([ -z]* )?answer [ -~]+";

/** Combinations that seed systems claim something for, beside the presets by themselves. */
const COMBINED: readonly Contestant[] = [
  { name: WARM, recipe: { preset: "warm-start" }, draft: (response) => response },
  { name: SPOILED, recipe: { preset: "warm-start" }, draft: spoiled },
  { name: BLENDED, recipe: BLEND, draft: (response) => response },
  { name: BLENDED_SPOILED, recipe: BLEND, draft: spoiled },
  {
    name: "warm-start from the twin",
    recipe: { preset: "warm-start", init: { from: "companion" } },
    companion: true,
  },
  { name: "warm-start from the prompt", recipe: { preset: "warm-start", init: { from: "prompt" } } },
  { name: "guided by the twin", recipe: { preset: "guided" }, companion: true },
  { name: "fast-dllm + eotp", recipe: { preset: "fast-dllm", stop: EOTP } },
  { name: "learn2pd without eotp", recipe: { preset: "learn2pd", stop: { eotp: false } } },
  { name: GUIDED, recipe: { preset: "fast-dllm", guidance: { cfg: 0.5 } } },
  { name: ADAPTIVE, recipe: { preset: "fast-dllm", guidance: { cfg: 0.5, adaptive: {} } } },
  { name: RESIDUAL, recipe: { preset: "fast-dllm", guidance: { cfg: 0.5, residual: {} } } },
  { name: "fast-dllm + weak guidance", recipe: { preset: "fast-dllm", guidance: { cfg: 0.5, weak: {} } } },
  { name: DRAWN, recipe: DRAWING },
  { name: "best of 4", recipe: { ...DRAWING, search: { method: "best-of", n: 4 } } },
  {
    name: "best of 4 by likelihood",
    recipe: { ...DRAWING, search: { method: "best-of", n: 4, score: "likelihood" } },
  },
  {
    name: "zero-order search",
    recipe: { preset: "fast-dllm", search: { method: "zero-order", n: 2, rounds: 2 } },
  },
  {
    name: "path search",
    recipe: { ...DRAWING, search: { method: "paths", n: 2, width: 2, every: 2 } },
  },
  { name: "svdd", recipe: { ...DRAWING, search: { method: "svdd", n: 4, every: 2 } } },
  {
    name: "svdd with lookahead",
    recipe: { ...DRAWING, search: { method: "svdd", n: 4, every: 2, lookahead: true } },
  },
  {
    name: "temporal voting",
    recipe: { preset: "fast-dllm", search: { method: "vote", answer: "answer [^\\n]*" } },
  },
  { name: "fast-dllm + regular expression", recipe: { preset: "fast-dllm", constraint: { regex: ANSWER } } },
  {
    name: "fast-dllm + regular expression, best path",
    recipe: { preset: "fast-dllm", constraint: { regex: ANSWER, path: "best" } },
  },
  { name: "llada + regular expression", recipe: { preset: "llada", constraint: { regex: ANSWER } } },
  { name: UNIFORM, recipe: { preset: "quota-table", block: schedule.block, steps: evenly(schedule.steps) } },
  { name: SEARCHED, recipe: schedule },
  { name: "llada + eotp", recipe: { preset: "llada", stop: EOTP } },
  { name: "llada + prefix cache", recipe: { preset: "llada", cache: "prefix" } },
  { name: "llada + dual cache", recipe: { preset: "llada", cache: "dual" } },
  { name: "llada + free cache", recipe: { preset: "llada", cache: "free" } },
  { name: "llada + region cache", recipe: { preset: "llada", cache: "region" } },
  { name: "fast-dllm + prefix cache", recipe: { preset: "fast-dllm", cache: "prefix" } },
  { name: "fast-dllm + dual cache", recipe: { preset: "fast-dllm", cache: "dual" } },
  { name: "fast-dllm + entropy guard", recipe: { preset: "fast-dllm", remask: { entropyGuard: 0.5 } } },
];

/** What targets and seed systems are about: measured in every round. The others tell more about themselves than of these. */
const ALWAYS: readonly string[] = [
  "fast-dllm",
  "eb",
  "klass",
  "credit",
  "learn2pd",
  "localleap",
  "daedal",
  "freedave",
  WARM,
  SPOILED,
  GUIDED,
  ADAPTIVE,
];
const NOW_AND_THEN = { first: 2, every: 10 };

/**
 * The two baselines, then every preset at its defaults and the combinations; those `asked` for where it is a list, and
 * these in every round. All but the first end at the end of the text.
 *
 * @throws UnmaskError `invalid-options` for a name that is none
 */
export function chooseContestants(
  asked: unknown,
  { tokens }: Pick<ModelFacts, "tokens">,
): readonly Contestant[] {
  const eos = tokens.eos.length > 0;
  const ending = ({ recipe, ...rest }: Contestant): Contestant => ({
    ...rest,
    recipe: { ...recipe, ...(eos ? { stop: { eos: true, ...(recipe["stop"] as object | undefined) } } : {}) },
  });
  const fixed: Contestant = {
    name: FIXED,
    recipe: { preset: "llada", stop: { eos: false } },
    rounds: { first: 0, every: 60 },
    shortest: true,
  };
  const plain = ending({ name: PLAIN, recipe: { preset: "llada" } });
  const alone = PRESET_NAMES.filter((name) => name !== PLAIN && name !== "warm-start").map(presetAlone);
  const others = [...alone, ...COMBINED].map(ending);
  if (typeof asked !== "string") {
    const paced = others.map((other) =>
      ALWAYS.includes(other.name) ? other : { ...other, rounds: NOW_AND_THEN },
    );
    return [fixed, plain, ...paced];
  }
  const names = asked.split(",").map((name) => name.trim());
  const strange = names.find((name) => name !== PLAIN && !others.some((other) => other.name === name));
  if (strange === undefined) return [fixed, plain, ...others.filter(({ name }) => names.includes(name))];
  const near = nearest(strange, [PLAIN, ...others.map(({ name }) => name)]);
  throw new UnmaskError(
    "invalid-options",
    `There is no decoder "${strange.slice(0, 40)}". Did you mean "${near}"?`,
    { detail: { option: "presets" } },
  );
}

function presetAlone(name: string): Contestant {
  const start = PRESETS[name]?.defaults?.length;
  return { name, recipe: { preset: name }, ...(start === undefined ? {} : { start }) };
}

/** As many steps as a table has, of the same number of tokens. */
function evenly(table: readonly number[]): number[] {
  const tokens = table.reduce((sum, count) => sum + count, 0);
  return lladaQuota(tokens, table.length);
}

/** A text with the word in its middle replaced by the one before. */
export function spoiled(response: string): string {
  const words = response.split(" ");
  const middle = Math.floor(words.length / 2);
  return words.with(middle, words[Math.max(0, middle - 1)]!).join(" ");
}
