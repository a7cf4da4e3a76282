import * as v from "valibot";
import { finalAnswer, type TaskPrompt } from "../harness/task-prompts.ts";
import { type Spread, spreadOf } from "../stats/spread.ts";
import { BEST_NAME, FEWER, NAIVE, SAME_WORK, TRIMMED } from "./contestants.ts";

const spreadSchema = v.object({ median: v.number(), min: v.number(), max: v.number(), n: v.number() });

/** One answer of a contestant, as journals keep it. */
export const namedAnswerSchema = v.object({
  name: v.string(),
  ms: v.number(),
  forwards: v.number(),
  rows: v.number(),
  cells: v.number(),
  tokens: v.number(),
  text: v.string(),
});
export type NamedAnswer = v.InferOutput<typeof namedAnswerSchema>;

/** What a contestant did on its prompts of a canvas. */
export interface Standing {
  readonly name: string;
  readonly canvas: number;
  /** Of a response. */
  readonly ms: Spread;
  readonly totalMs: number;
  /** Of the naive loop on the same prompts. */
  readonly naiveMs: number;
  readonly forwards: number;
  readonly rows: number;
  readonly tokens: number;
  readonly tokensPerSecond: number;
  readonly right: number;
  readonly prompts: number;
  /** Prompts that it answered in the same words as the naive loop. */
  readonly same: number;
}

/** A longer canvas than the model has, for time only. */
export const beyondSchema = v.object({
  canvas: v.number(),
  prompts: v.number(),
  /** Of the naive loop, over the forwards of its first block. */
  msPerForward: spreadSchema,
  /** At that rate, for every cell behind the prompts, one a forward. */
  naiveMs: v.number(),
  /** Of the growing recipe, to the end of its texts. */
  ms: spreadSchema,
  totalMs: v.number(),
});
export type Beyond = v.InferOutput<typeof beyondSchema>;

/** A prompt and what became of it. */
export interface Raced {
  readonly prompt: TaskPrompt;
  readonly answers: readonly NamedAnswer[];
}

/** Everyone in `names` who answered some of the prompts; the naive loop has answered all. */
export function standingsOf(
  names: readonly string[],
  canvas: number,
  raced: readonly Raced[],
): readonly Standing[] {
  const pairs = raced.flatMap(({ prompt, answers }) => {
    const naive = answers.find(({ name }) => name === NAIVE);
    return naive === undefined ? [] : answers.map((answer) => ({ prompt, naive, answer }));
  });
  return names.flatMap((name): Standing[] => {
    const own = pairs.filter(({ answer }) => answer.name === name);
    const sum = (of: (pair: (typeof own)[number]) => number) =>
      own.reduce((total, pair) => total + of(pair), 0);
    const totalMs = sum(({ answer }) => answer.ms);
    const tokens = sum(({ answer }) => answer.tokens);
    if (own.length === 0) return [];
    return [
      {
        name,
        canvas,
        ms: spreadOf(own.map(({ answer }) => answer.ms)),
        totalMs,
        naiveMs: sum(({ naive }) => naive.ms),
        forwards: sum(({ answer }) => answer.forwards),
        rows: sum(({ answer }) => answer.rows),
        tokens,
        tokensPerSecond: (1000 * tokens) / totalMs,
        right: sum(({ answer, prompt }) => Number(finalAnswer(answer.text) === finalAnswer(prompt.answer))),
        prompts: own.length,
        same: sum(({ answer, naive }) => Number(answer.text === naive.text)),
      },
    ];
  });
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
