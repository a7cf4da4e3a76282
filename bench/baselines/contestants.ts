import type * as Subject from "./page.ts";

/** How a contestant writes; the naive loop and the twin have no recipe. */
export type Contestant =
  | { readonly kind: "naive"; readonly name: string; readonly threshold: number | null }
  | {
      readonly kind: "engine";
      readonly name: string;
      readonly recipe: Readonly<Record<string, unknown>>;
      /** The twin reads along. */
      readonly guided?: boolean;
      /** It takes part in one prompt of so many, from the first on; absent: in all. */
      readonly every?: number;
    }
  | { readonly kind: "twin"; readonly name: string };

/** What a contestant did with a prompt. */
export type Answer = Awaited<ReturnType<typeof Subject.naive>>;

export const BLOCK = 32;
/** A canvas that the model does not have, for time only. */
export const BEYOND = 1024;
/** There, one that looks at no cell behind the open block: the model has no positions for them. */
export const GROWING = { preset: "block-dynamic", block: BLOCK, threshold: 0.75, cache: "dual" } as const;
export const NAIVE = "naive loop";
export const SAME_WORK = "engine, same work";
export const TRIMMED = "and no padding";
export const FEWER = "and fewer forwards";
export const BEST_NAME = "best recipe";
export const TWIN = "autoregressive twin";

/**
 * Found as choice.ts says, on a canvas of 256: on 288 held-out prompts 115 right answers where the naive loop has 112. What
 * leaves the surplus cells behind the text out from the first forward on (block-dynamic, suffix-drop) needs half the rows and
 * loses the larger sudokus.
 */
export const BEST = {
  preset: "fast-dllm",
  block: BLOCK,
  threshold: 0.95,
  cache: "dual",
  stop: { eos: true, eotp: { minConf: 0.9, notBefore: "start" } },
} as const;

/** One token a step until the text ends: on Node, the naive loop's answer in a fraction of its forwards. */
export const PLAIN = { preset: "llada", block: BLOCK, stop: { eos: true } } as const;

/**
 * One step after the other from what the naive loop does to the best recipe, so that each step's share can be told. The
 * engine's version of the naive work takes as long as that and is the same for every prompt: it runs on some of them.
 */
export function ladder(best: Readonly<Record<string, unknown>>): readonly Contestant[] {
  const llada = { preset: "llada", block: BLOCK };
  return [
    { kind: "naive", name: NAIVE, threshold: null },
    { kind: "naive", name: `${NAIVE}, threshold 0.9`, threshold: 0.9 },
    { kind: "engine", name: SAME_WORK, recipe: { ...llada, stop: { eos: false } }, every: 4 },
    {
      kind: "engine",
      name: TRIMMED,
      recipe: { ...llada, stop: { eos: true, eotp: { minConf: 0.9, notBefore: "start" } } },
    },
    { kind: "engine", name: FEWER, recipe: { ...best, cache: "none" } },
    { kind: "engine", name: BEST_NAME, recipe: best },
  ];
}

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

/** Whether a contestant takes part in the prompt of this number, from 0 on. */
export function takesPart(contestant: Contestant, prompt: number): boolean {
  return contestant.kind !== "engine" || prompt % (contestant.every ?? 1) === 0;
}
