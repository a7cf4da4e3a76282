import { fileURLToPath } from "node:url";
import type { BenchOptions } from "../src/cli/bench.ts";
import { loadModel } from "../src/runtime/open/load-model.ts";
import { nodePlatform } from "../src/runtime/platform/platform-node.ts";
import { costOf, costTable } from "./engine/forward-costs.ts";
import { largeModel, QWEN3 } from "./engine/large-model.ts";
import { largeTable } from "./engine/large-table.ts";
import { policyCosts, policyTable } from "./engine/policy-costs.ts";
import { stepCost, stepTable } from "./engine/step-cost.ts";
import { engineTargets } from "./engine/targets.ts";
import { reportName, writeReport } from "./harness/report.ts";
import { markdownTable } from "./harness/table.ts";
import { targetTable } from "./harness/targets.ts";

const MODEL = fileURLToPath(new URL("../public/models/default", import.meta.url));
/** Its block-causal twin, whose cache is exact. */
const BLOCKS = fileURLToPath(new URL("../public/models/block", import.meta.url));
const ROUNDS = { step: 31, cost: 11, large: 9 };
const QUICK = { step: 9, cost: 3, large: 5 };

/**
 * The engine on Node's WASM with the embedded model. First what a step costs: all 256 rows against 32 active rows over
 * 224 cached ones, taken in turns. Then every cache policy on the same prompts, in turns: forwards, rows, time, and how
 * much of the text is that of no cache. Approximate caches change the text; that is measured here, not its quality. The
 * exact one is that of block-causal models, so it is measured on the embedded model's twin of that kind. Then the cost of a forward as a model of rows and keys, beside the least that this machine could need; and a model of the
 * shape of Qwen3-0.6B with random weights.
 */
export async function runSuite({ quick, values, io }: BenchOptions) {
  const rounds = quick ? QUICK : ROUNDS;
  const { info, step, policies, cost } = await measureEngine(quick, rounds, io);
  const blocks = await measureBlocks(quick, io);
  // The small models are closed by now: two models at once would not tell whose memory it is.
  const large = await largeModel(QWEN3, quick ? [1, 4] : [4, QWEN3.layers], rounds.large, io);
  io.status("");
  const targets = engineTargets(step, large);
  const tables = [
    targetTable(targets),
    stepTable(step),
    policyTable("Caches", policies),
    policyTable(`The exact cache of a block-causal model (${blocks.model})`, blocks.policies),
    costTable(cost),
    largeTable(large),
  ];
  const { backend, variant, threads, name, reason } = info;
  const json = {
    model: name,
    backend,
    variant,
    threads,
    targets,
    step,
    policies,
    blocks,
    cost,
    large,
    quick,
  };
  const lines = [reason, ...tables.map(markdownTable)];
  if (typeof values["out"] === "string") {
    const report = { title: `Engine: ${name}`, intro: [reason], tables };
    const paths = await writeReport(values["out"], reportName("engine", quick, true), json, report);
    lines.push(`written: ${paths.join(", ")}`);
  }
  return { json, lines };
}

async function measureEngine(quick: boolean, rounds: typeof ROUNDS, io: BenchOptions["io"]) {
  const { signal } = io;
  const model = await loadModel(nodePlatform(), MODEL, {}, () => {}, signal);
  try {
    io.status("step");
    const step = await stepCost(model, rounds.step, signal);
    const policies = await policyCosts(model, quick, io);
    io.status("cost of rows and keys");
    const cost = await costOf(model, rounds.cost, signal);
    return { info: model.info, step, policies, cost };
  } finally {
    await model.denoiser.dispose();
  }
}

async function measureBlocks(quick: boolean, io: BenchOptions["io"]) {
  const model = await loadModel(nodePlatform(), BLOCKS, {}, () => {}, io.signal);
  try {
    const { name, variant } = model.info;
    return { model: name, variant, policies: await policyCosts(model, quick, io) };
  } finally {
    await model.denoiser.dispose();
  }
}
