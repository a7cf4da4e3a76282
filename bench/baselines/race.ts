import { UnmaskError } from "../../src/core/errors.ts";
import type { TaskPrompt } from "../harness/task-prompts.ts";
import { spreadOf } from "../stats/spread.ts";
import type { BenchPage } from "./browser.ts";
import { type Answer, BLOCK, type Contestant, GROWING, takesPart } from "./contestants.ts";
import type { Beyond, NamedAnswer } from "./standing.ts";

interface Setting {
  readonly canvas: number;
  readonly signal: AbortSignal;
  /** Told before each response. */
  begin(label: string): void;
}

/**
 * Every contestant on one prompt, in turns, another one first for each prompt: what else the machine does meets all of
 * them.
 *
 * @param number of the prompt, from 0 on
 */
export async function race(
  page: BenchPage,
  contestants: readonly Contestant[],
  prompt: string,
  number: number,
  { canvas, signal, begin }: Setting,
): Promise<NamedAnswer[]> {
  const answers: NamedAnswer[] = [];
  for (let turn = 0; turn < contestants.length; turn++) {
    stopIf(signal);
    const contestant = contestants[(turn + number) % contestants.length]!;
    if (!takesPart(contestant, number)) continue;
    begin(`canvas of ${canvas}, prompt ${number + 1}: ${contestant.name}`);
    answers.push({ name: contestant.name, ...(await respond(page, contestant, prompt, canvas)) });
  }
  return answers;
}

export function respond(
  page: BenchPage,
  contestant: Contestant,
  prompt: string,
  canvas: number,
): Promise<Answer> {
  switch (contestant.kind) {
    case "naive":
      return page.call("naive", prompt, canvas, BLOCK, contestant.threshold, null);
    case "engine":
      return page.call("engine", prompt, canvas, contestant.recipe, contestant.guided === true);
    case "twin":
      return page.call("autoregressive", prompt, canvas);
  }
}

/**
 * A longer canvas than the model was trained for, for time only: the naive loop computes all of it with random weights of
 * the model's shape. It computes the same in every block, so its first one tells what all of them take.
 */
export async function raceBeyond(
  page: BenchPage,
  prompts: readonly TaskPrompt[],
  { canvas, signal, begin }: Setting,
): Promise<Beyond> {
  await page.call("openLonger");
  const perForward: number[] = [];
  const times: number[] = [];
  let naiveMs = 0;
  for (const [i, { prompt }] of prompts.entries()) {
    stopIf(signal);
    begin(`canvas of ${canvas}, prompt ${i + 1}`);
    const naive = () => page.call("naive", prompt, canvas, BLOCK, null, 1);
    const engine = () => page.call("engine", prompt, canvas, GROWING, false);
    if (i === 0) await engine();
    const first = i % 2 === 0 ? await naive() : undefined;
    times.push((await engine()).ms);
    const { ms, forwards, cells } = first ?? (await naive());
    perForward.push(ms / forwards);
    naiveMs += (ms / forwards) * cells;
  }
  return {
    canvas,
    prompts: prompts.length,
    msPerForward: spreadOf(perForward),
    naiveMs,
    ms: spreadOf(times),
    totalMs: times.reduce((sum, ms) => sum + ms, 0),
  };
}

function stopIf({ aborted }: AbortSignal): void {
  if (aborted) throw new UnmaskError("aborted", "The benchmark was stopped.");
}
