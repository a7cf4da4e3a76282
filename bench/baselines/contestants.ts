import { fitCost } from "../engine/cost-model.ts";
import type { Spread } from "../stats/spread.ts";

/** How a contestant writes; the naive loop and the twin have no recipe. */
export type Contestant =
  | { readonly kind: "naive"; readonly name: string; readonly threshold: number | null }
  | {
      readonly kind: "engine";
      readonly name: string;
      readonly recipe: Readonly<Record<string, unknown>>;
      /** The twin reads along. */
      readonly guided?: boolean;
    }
  | { readonly kind: "twin"; readonly name: string };

export const BLOCK = 32;
export const NAIVE = "naive loop";
export const TWIN = "autoregressive twin";

/** One step after the other from what the naive loop does to the best recipe, so that each step's share can be told. */
export function ladder(best: Readonly<Record<string, unknown>>): readonly Contestant[] {
  const llada = { preset: "llada", block: BLOCK };
  const trimmed = { eos: true, eotp: { minConf: 0.9 } };
  const fast = { preset: "fast-dllm", block: BLOCK, threshold: 0.9, stop: trimmed };
  return [
    { kind: "naive", name: NAIVE, threshold: null },
    { kind: "naive", name: `${NAIVE}, threshold 0.9`, threshold: 0.9 },
    { kind: "engine", name: "engine, same work", recipe: { ...llada, stop: { eos: false } } },
    { kind: "engine", name: "and no padding", recipe: { ...llada, stop: trimmed } },
    { kind: "engine", name: "and fewer forwards", recipe: fast },
    { kind: "engine", name: "best recipe", recipe: best },
  ];
}

/** Until the comparison of strategies names another one. */
export const BEST = {
  preset: "fast-dllm",
  block: BLOCK,
  threshold: 0.9,
  cache: "dual",
  stop: { eos: true, eotp: { minConf: 0.9 } },
} as const;

/** What there is beside the ladder where there is a twin: Guided Diffusion over FreeCache, and the twin by itself. */
export const WITH_TWIN: readonly Contestant[] = [
  {
    kind: "engine",
    name: "guided by the twin, FreeCache",
    recipe: { preset: "guided", block: BLOCK, cache: "free", stop: { eos: true } },
    guided: true,
  },
  { kind: "twin", name: TWIN },
];

/** Steps of the ladder as factors: what each divides the time by. Their product is the whole. */
export interface Split {
  readonly overhead: number;
  readonly padding: number;
  readonly forwards: number;
  readonly rows: number;
  readonly total: number;
}

/**
 * @param totals milliseconds for all prompts together, in the order of {@link ladder}
 */
export function splitOf(totals: readonly number[]): Split {
  const [naive = 0, , same = 0, trimmed = 0, fewer = 0, best = 0] = totals;
  return {
    overhead: naive / same,
    padding: same / trimmed,
    forwards: trimmed / fewer,
    rows: fewer / best,
    total: naive / best,
  };
}

/** What a contestant did on all prompts of a canvas. */
export interface Standing {
  readonly name: string;
  readonly canvas: number;
  /** Of a response. */
  readonly ms: Spread;
  readonly totalMs: number;
  readonly forwards: number;
  readonly rows: number;
  readonly tokensPerSecond: number;
  readonly right: number;
  readonly prompts: number;
  /** Prompts that it answered in the same words as the naive loop. */
  readonly same: number;
}

/** What the naive loop would need for a canvas that the model does not have. */
export interface Beyond {
  readonly canvas: number;
  readonly msPerForward: number;
  /** For every cell of it, one a forward. */
  readonly seconds: number;
}

const BEYOND = 1024;

/** Extrapolated by the cost of rows and pairs from at least three canvases; null for fewer. */
export function naiveBeyond(standings: readonly Standing[]): Beyond | null {
  const samples = standings
    .filter(({ name }) => name === NAIVE)
    .map(({ canvas, totalMs, forwards }) => ({ rows: canvas, keys: canvas, ms: totalMs / forwards }));
  if (samples.length < 3) return null;
  const { fixed, perRow, perPair } = fitCost(samples);
  const msPerForward = fixed + perRow * BEYOND + perPair * BEYOND ** 2;
  return { canvas: BEYOND, msPerForward, seconds: (msPerForward * BEYOND) / 1000 };
}
