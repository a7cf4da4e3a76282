import { type CacheInput, resolveCache, writeCache } from "../../src/cache/choice.ts";
import type { BenchOptions } from "../../src/cli/bench.ts";
import type { GenerateEvent } from "../../src/core/events.ts";
import { runJob } from "../../src/engine/run/run-job.ts";
import type { LoadedModel } from "../../src/runtime/open/load-model.ts";
import type { Table } from "../harness/table.ts";
import { type Spread, showSpread, spreadOf } from "../stats/spread.ts";
import { BLOCK, CANVAS, stopIf } from "./common.ts";

const PROMPTS = [
  "Once upon a time there was a little fox who",
  "The rain had stopped and the children",
  "Far away, behind the blue mountains,",
  "One morning the old farmer found",
  "There was a girl who loved to",
];

/** Every policy of a model with full attention. */
const APPROXIMATE: readonly CacheInput[] = [
  "none",
  "prefix",
  "dual",
  { policy: "dual", refresh: 8 },
  "free",
  "vicinity",
  "suffix-drop",
  "partial",
  "region",
];
/** The exact cache, for block-causal models. */
const EXACT: readonly CacheInput[] = ["none", "block"];

interface Run {
  readonly forwards: number;
  readonly rows: number;
  readonly ms: number;
  readonly tokens: readonly number[];
}

/** What a policy cost on all prompts. */
export interface PolicyCost {
  readonly cache: CacheInput;
  readonly forwards: number;
  readonly rows: number;
  readonly msPerForward: Spread;
  /** Of a response. */
  readonly ms: Spread;
  /** Share of the cells with the token that no cache gives. */
  readonly agreement: number;
}

/** Every policy that fits the model on the same prompts, in turns, a response of fixed length with two tokens a step. */
export async function policyCosts(
  model: LoadedModel,
  quick: boolean,
  { status, signal }: BenchOptions["io"],
): Promise<PolicyCost[]> {
  const prompts = quick ? PROMPTS.slice(0, 2) : PROMPTS;
  const length = quick ? 96 : CANVAS - 32;
  const policies = model.manifest.attention.kind === "full" ? APPROXIMATE : EXACT;
  const runs = policies.map((): Run[] => []);
  for (const [i, prompt] of prompts.entries()) {
    for (let turn = 0; turn < policies.length; turn++) {
      // Another policy goes first for each prompt.
      const at = (turn + i) % policies.length;
      status(`prompt ${i + 1}: ${JSON.stringify(policies[at])}`);
      runs[at]!.push(await runOnce(model, prompt, length, policies[at]!, signal));
    }
  }
  return policies.map((cache, at) => ({
    cache: writeCache(resolveCache(cache)),
    forwards: sum(runs[at]!.map(({ forwards }) => forwards)),
    rows: sum(runs[at]!.map(({ rows }) => rows)),
    msPerForward: spreadOf(runs[at]!.map(({ ms, forwards }) => ms / forwards)),
    ms: spreadOf(runs[at]!.map(({ ms }) => ms)),
    agreement:
      sum(runs[at]!.map(({ tokens }, i) => sharedTokens(tokens, runs[0]![i]!.tokens))) / prompts.length,
  }));
}

async function runOnce(
  model: LoadedModel,
  prompt: string,
  length: number,
  cache: CacheInput,
  signal: AbortSignal,
): Promise<Run> {
  const { attention } = model.manifest;
  const block = attention.kind === "full" ? BLOCK : attention.block;
  const recipe = { preset: "llada", block, steps: length / 2, cache, stop: { eos: false } };
  const job = { kind: "generate", prompt, options: { maxNewTokens: length, recipe } } as const;
  let done: Extract<GenerateEvent, { type: "done" }> | undefined;
  const control = { stop: () => signal.aborted, now: () => performance.now() };
  for await (const event of runJob(job, model, control)) if (event.type === "done") done = event;
  stopIf(signal);
  const { nfe = 0, rows = 0, ms = 0, tokens = [] } = done ?? {};
  return { forwards: nfe, rows, ms, tokens };
}

function sharedTokens(a: readonly number[], b: readonly number[]): number {
  return a.filter((id, i) => id === b[i]).length / b.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function policyTable(title: string, policies: readonly PolicyCost[]): Table {
  return {
    title,
    columns: ["cache", "forwards", "rows", "a forward", "a response", "tokens of none"],
    rows: policies.map(({ cache, forwards, rows, msPerForward, ms, agreement }) => [
      JSON.stringify(cache),
      String(forwards),
      String(rows),
      showSpread(msPerForward, "ms"),
      showSpread(ms, "ms"),
      `${(100 * agreement).toFixed(1)} %`,
    ]),
  };
}
