import { UnmaskError } from "../../src/core/errors.ts";
import { finalAnswer, type TaskPrompt } from "../harness/task-prompts.ts";
import { spreadOf } from "../stats/spread.ts";
import type { BenchPage } from "./browser.ts";
import { BLOCK, type Contestant, NAIVE, type Standing } from "./contestants.ts";
import type * as Subject from "./page.ts";

type Answer = Awaited<ReturnType<typeof Subject.naive>>;

export interface RaceOptions {
  readonly prompts: readonly TaskPrompt[];
  readonly canvas: number;
  readonly contestants: readonly Contestant[];
  readonly signal: AbortSignal;
  /** Told before each response. */
  begin(label: string): void;
}

/**
 * Every contestant on every prompt, in turns, another one first for each prompt: what else the machine does meets all of
 * them. One response of each goes before and is not counted: kernels and memory are made with the first run.
 */
export async function race(page: BenchPage, options: RaceOptions): Promise<Standing[]> {
  const { prompts, canvas, contestants, signal, begin } = options;
  const answers = new Map<Contestant, Answer[]>(contestants.map((contestant) => [contestant, []]));
  for (const [i, entry] of prompts.entries()) {
    for (let turn = 0; turn < contestants.length; turn++) {
      if (signal.aborted) throw new UnmaskError("aborted", "The benchmark was stopped.");
      const contestant = contestants[(turn + i) % contestants.length]!;
      begin(`canvas of ${canvas}, prompt ${i + 1}: ${contestant.name}`);
      answers.get(contestant)!.push(await respond(page, contestant, entry.prompt, canvas));
    }
  }
  const naive = answers.get(contestants.find(({ name }) => name === NAIVE)!) ?? [];
  return contestants.map((contestant) =>
    standing(contestant.name, canvas, prompts, answers.get(contestant)!, naive),
  );
}

export function respond(
  page: BenchPage,
  contestant: Contestant,
  prompt: string,
  canvas: number,
): Promise<Answer> {
  switch (contestant.kind) {
    case "naive":
      return page.call("naive", prompt, canvas, BLOCK, contestant.threshold);
    case "engine":
      return page.call("engine", prompt, canvas, contestant.recipe, contestant.guided === true);
    case "twin":
      return page.call("autoregressive", prompt, canvas);
  }
}

function standing(
  name: string,
  canvas: number,
  prompts: readonly TaskPrompt[],
  answers: readonly Answer[],
  naive: readonly Answer[],
): Standing {
  const sum = (of: (answer: Answer) => number) => answers.reduce((total, answer) => total + of(answer), 0);
  const totalMs = sum(({ ms }) => ms);
  return {
    name,
    canvas,
    ms: spreadOf(answers.map(({ ms }) => ms)),
    totalMs,
    forwards: sum(({ forwards }) => forwards),
    rows: sum(({ rows }) => rows),
    tokensPerSecond: (1000 * sum(({ tokens }) => tokens)) / totalMs,
    right: answers.filter(({ text }, i) => finalAnswer(text) === finalAnswer(prompts[i]!.answer)).length,
    prompts: answers.length,
    same: answers.filter(({ text }, i) => text === naive[i]?.text).length,
  };
}
