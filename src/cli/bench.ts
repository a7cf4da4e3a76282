import { UnmaskError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import type { Command, CommandIo, OptionValues } from "./command.ts";
import { importBench } from "./import-bench.ts";

/** A file `bench/<suite>.ts` of the checkout. */
export interface BenchSuite {
  /** Returns the document for `--json` and lines for people. */
  runSuite(
    options: BenchOptions,
  ): Promise<{ readonly json: Record<string, unknown>; readonly lines: string[] }>;
}

export interface BenchOptions {
  readonly quick: boolean;
  /** Further options of the command line; a suite reads its own. */
  readonly values: OptionValues;
  readonly io: Pick<CommandIo, "signal" | "status" | "warn">;
}

/** Options of the suite `strategies`; `experiments` takes some of them. */
const STRATEGIES_HELP = {
  model: "strategies: bundle folder (default: the embedded model)",
  prompts: "strategies: JSON lines of {task, prompt, answer}",
  tasks: "strategies: comma-separated task names (default: all)",
  limit: "strategies: prompts a task on the first canvas (default 300); the others get a third",
  minutes: "strategies: stop after so many and report what is whole; the same command goes on",
  canvas: "strategies: comma-separated cells of the canvas, prompt included (default 128,256,512)",
  presets:
    "strategies: comma-separated names (default: all that run on the bundle); the baselines always run",
  variant: "strategies: weights: int8, q4, ...",
  runtime: "strategies: native (onnxruntime-node) or wasm (default: native where it loads)",
  threads: "strategies: threads of the runtime",
  journal: "strategies: finished work is kept here, so that a stopped run goes on",
  out: "strategies: write strategies.json, .md and .svg into this folder",
};

const SUITES = ["startup", "strategies", "engine", "convert", "baselines", "experiments"];
/** Suites that write reports and take options. */
const REPORTING = ["strategies", "experiments"];

export const benchCommand: Command = {
  name: "bench",
  summary: "measure: medians and spread",
  usage:
    "SUITE [--quick] | strategies [--quick] [--limit N] [--canvas LIST] [--tasks LIST] [--presets LIST] [--out DIR]",
  options: {
    quick: { type: "boolean" },
    ...Object.fromEntries(Object.keys(STRATEGIES_HELP).map((name) => [name, { type: "string" } as const])),
  },
  help: { quick: "fewer repetitions", ...STRATEGIES_HELP },
  async run([suite, ...rest], values, io) {
    if (suite === undefined || rest.length > 0) {
      throw new UnmaskError("usage", `Name one suite: ${SUITES.join(", ")}.`);
    }
    if (!SUITES.includes(suite)) {
      throw new UnmaskError(
        "usage",
        `There is no suite "${suite.slice(0, 40)}". Did you mean "${nearest(suite, SUITES)}"?`,
      );
    }
    const strange = Object.keys(STRATEGIES_HELP).find((name) => values[name] !== undefined);
    if (!REPORTING.includes(suite) && strange !== undefined) {
      throw new UnmaskError("usage", `The suite "${suite}" has no option --${strange}.`);
    }
    const { runSuite } = await importBench<BenchSuite>(suite);
    const { json, lines } = await runSuite({ quick: values["quick"] === true, values, io });
    for (const line of lines) io.print(line);
    return { json: { suite, ...json } };
  },
};
