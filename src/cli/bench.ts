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

/** What an option says, and the suites that read it. */
const OPTIONS: Readonly<Record<string, { readonly help: string; readonly suites: readonly string[] }>> = {
  model: { help: "bundle folder (default: the embedded model)", suites: ["strategies", "experiments"] },
  prompts: {
    help: "JSON lines of {task, prompt, answer}",
    suites: ["strategies", "baselines", "experiments"],
  },
  tasks: {
    help: "comma-separated task names (default: all)",
    suites: ["strategies", "baselines", "experiments"],
  },
  limit: {
    help: "strategies: prompts a task on the first canvas (default 300), the others get a third; baselines: prompts for accuracy, over all tasks (default 300)",
    suites: ["strategies", "baselines", "experiments"],
  },
  minutes: {
    help: "stop after so many and report what is whole; the same command goes on",
    suites: ["strategies", "baselines"],
  },
  part: {
    help: "what to measure now: race, accuracy, choose (default: all); the rest comes from the journal",
    suites: ["baselines"],
  },
  share: {
    help: "1/2: run every second round from the first on; processes with the other shares write to the same journal",
    suites: ["strategies"],
  },
  canvas: {
    help: "comma-separated cells of the canvas, prompt included (default 128,256,512)",
    suites: ["strategies", "baselines"],
  },
  presets: {
    help: "comma-separated names (default: all that run on the bundle); the baselines always run",
    suites: ["strategies"],
  },
  recipe: {
    help: "the best recipe, a JSON object or file (default: what --part choose found)",
    suites: ["baselines"],
  },
  companion: {
    help: "folder of the autoregressive twin (default: public/models/ar)",
    suites: ["baselines", "strategies"],
  },
  variant: { help: "weights: int8, q4, ...", suites: ["strategies", "baselines"] },
  runtime: {
    help: "native (onnxruntime-node) or wasm (default: native where it loads); baselines: for accuracy",
    suites: ["strategies", "baselines"],
  },
  threads: { help: "threads of the runtime", suites: ["strategies", "baselines"] },
  journal: {
    help: "finished work is kept here, so that a stopped run goes on",
    suites: ["strategies", "baselines"],
  },
  out: {
    help: "write the report into this folder",
    suites: ["startup", "strategies", "baselines", "engine", "experiments"],
  },
};
const SUITES = ["startup", "strategies", "engine", "batch", "convert", "baselines", "experiments"];

export const benchCommand: Command = {
  name: "bench",
  summary: "measure: medians and spread",
  usage:
    "SUITE [--quick] [--out DIR] | strategies [--limit N] [--canvas LIST] [--tasks LIST] [--presets LIST] | baselines [--part LIST] [--minutes N] [--limit N] [--recipe JSON] [--companion DIR]",
  options: {
    quick: { type: "boolean" },
    ...Object.fromEntries(Object.keys(OPTIONS).map((name) => [name, { type: "string" } as const])),
  },
  help: {
    quick: "fewer repetitions",
    ...Object.fromEntries(
      Object.entries(OPTIONS).map(([name, { help, suites }]) => [name, `${suites.join(", ")}: ${help}`]),
    ),
  },
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
    const strange = Object.keys(OPTIONS).find(
      (name) => values[name] !== undefined && !OPTIONS[name]!.suites.includes(suite),
    );
    if (strange !== undefined) {
      throw new UnmaskError("usage", `The suite "${suite}" has no option --${strange}.`);
    }
    const { runSuite } = await importBench<BenchSuite>(suite);
    const { json, lines } = await runSuite({ quick: values["quick"] === true, values, io });
    for (const line of lines) io.print(line);
    return { json: { suite, ...json } };
  },
};
