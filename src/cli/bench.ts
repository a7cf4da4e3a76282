import { existsSync } from "node:fs";
import { UnmaskError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import type { Command, CommandIo } from "./command.ts";

/** A file `bench/<suite>.ts` of the checkout. */
export interface BenchSuite {
  /** Returns the document for `--json` and lines for people. */
  runSuite(
    options: BenchOptions,
  ): Promise<{ readonly json: Record<string, unknown>; readonly lines: string[] }>;
}

export interface BenchOptions {
  readonly quick: boolean;
  readonly io: Pick<CommandIo, "signal" | "status" | "warn">;
}

const SUITES = ["startup", "strategies", "engine", "baselines"];

export const benchCommand: Command = {
  name: "bench",
  summary: "measure: medians and spread",
  usage: "SUITE [--quick]",
  options: { quick: { type: "boolean" } },
  help: { quick: "fewer repetitions" },
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
    // Built at run time: suites need the checkout (browser, sources) and are not part of the package.
    const file = new URL(`../../bench/${suite}.ts`, import.meta.url);
    if (!existsSync(file)) {
      throw new UnmaskError(
        "usage",
        `The suite "${suite}" is not here: benchmarks run from a checkout that has it.`,
      );
    }
    const { runSuite } = (await import(/* @vite-ignore */ file.href)) as BenchSuite; // the contract of bench/
    const { json, lines } = await runSuite({ quick: values["quick"] === true, io });
    for (const line of lines) io.print(line);
    return { json: { suite, ...json } };
  },
};
