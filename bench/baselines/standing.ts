import * as v from "valibot";
import { finalAnswer, type TaskPrompt } from "../harness/task-prompts.ts";
import { spreadOf } from "../stats/spread.ts";
import { type Answer, BEST_NAME, FEWER, SAME_WORK, TRIMMED } from "./contestants.ts";

const spreadSchema = v.object({ median: v.number(), min: v.number(), max: v.number(), n: v.number() });

/** What a contestant did on its prompts of a canvas. */
export const standingSchema = v.object({
  name: v.string(),
  canvas: v.number(),
  /** Of a response. */
  ms: spreadSchema,
  totalMs: v.number(),
  /** Of the naive loop on the same prompts. */
  naiveMs: v.number(),
  forwards: v.number(),
  rows: v.number(),
  tokens: v.number(),
  tokensPerSecond: v.number(),
  right: v.number(),
  prompts: v.number(),
  /** Prompts that it answered in the same words as the naive loop. */
  same: v.number(),
});
export type Standing = v.InferOutput<typeof standingSchema>;

/** A longer canvas than the model has, for time only. */
export const beyondSchema = v.object({
  canvas: v.number(),
  prompts: v.number(),
  /** Of the naive loop, over the forwards of its first block. */
  msPerForward: spreadSchema,
  /** At that rate, for every cell behind the prompts, one a forward. */
  naiveMs: v.number(),
  /** Of the best recipe, to the end of its texts. */
  ms: spreadSchema,
  totalMs: v.number(),
});
export type Beyond = v.InferOutput<typeof beyondSchema>;

/**
 * @param answers of the prompts that it took part in, by number
 * @param naive the naive loop's, of all
 */
export function standingOf(
  name: string,
  canvas: number,
  prompts: readonly TaskPrompt[],
  answers: ReadonlyMap<number, Answer>,
  naive: ReadonlyMap<number, Answer>,
): Standing {
  const all = [...answers];
  const sum = (of: (answer: Answer, i: number) => number) =>
    all.reduce((total, [i, answer]) => total + of(answer, i), 0);
  const totalMs = sum(({ ms }) => ms);
  const tokens = sum((answer) => answer.tokens);
  return {
    name,
    canvas,
    ms: spreadOf(all.map(([, { ms }]) => ms)),
    totalMs,
    naiveMs: sum((_, i) => naive.get(i)!.ms),
    forwards: sum(({ forwards }) => forwards),
    rows: sum(({ rows }) => rows),
    tokens,
    tokensPerSecond: (1000 * tokens) / totalMs,
    right: sum(({ text }, i) => Number(finalAnswer(text) === finalAnswer(prompts[i]!.answer))),
    prompts: all.length,
    same: sum(({ text }, i) => Number(text === naive.get(i)!.text)),
  };
}

/** Times faster than the naive loop, on the same prompts. */
export function factorOf({ naiveMs, totalMs }: Standing): number {
  return naiveMs / totalMs;
}

/** Steps of the ladder as factors: what each divides the time by. Their product is the whole. */
export interface Split {
  readonly overhead: number;
  readonly padding: number;
  readonly forwards: number;
  readonly rows: number;
  readonly total: number;
}

/** @param standings of one canvas */
export function splitOf(standings: readonly Standing[]): Split {
  const at = (wanted: string): number => {
    const found = standings.find(({ name }) => name === wanted);
    return found === undefined ? Number.NaN : factorOf(found);
  };
  const [overhead, trimmed, fewer, total] = [at(SAME_WORK), at(TRIMMED), at(FEWER), at(BEST_NAME)];
  return {
    overhead,
    padding: trimmed / overhead,
    forwards: fewer / trimmed,
    rows: total / fewer,
    total,
  };
}
