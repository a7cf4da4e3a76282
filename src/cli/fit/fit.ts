import { UnmaskError } from "../../core/errors.ts";
import { nearest } from "../../core/nearest.ts";
import type { Command } from "../command.ts";
import { fitLearn2pd } from "./fit-learn2pd.ts";
import { fitSchedule } from "./fit-schedule.ts";

const FITS = { learn2pd: fitLearn2pd, schedule: fitSchedule } as const;

/** `unmask fit`: what is learned from a model's own runs, without touching its weights. */
export const fitCommand: Command = {
  name: "fit",
  summary: "fit a commit filter, or a schedule of steps, to a bundle",
  usage: "learn2pd|schedule --out FILE [--model DIR] [--prompts FILE] [--limit N] [--length N] [--block N]",
  options: {
    out: { type: "string" },
    model: { type: "string" },
    prompts: { type: "string" },
    limit: { type: "string" },
    mode: { type: "string" },
    length: { type: "string" },
    block: { type: "string" },
    variant: { type: "string" },
    updates: { type: "string" },
    steps: { type: "string" },
    rounds: { type: "string" },
    seed: { type: "string" },
    runtime: { type: "string" },
    threads: { type: "string" },
  },
  help: {
    out: "learn2pd: the bundle's unmask.json with the filters in it (may be the one of --model); schedule: a recipe",
    model: "bundle folder (default: the embedded model)",
    prompts: "JSON lines of {prompt, mode?} (default: tasks and story openings of training/, none held out)",
    limit: "prompts to write from (default: learn2pd 100, schedule 20)",
    mode: "entry of the bundle's modes for prompts that name none",
    length: "cells to fill after each prompt (default 96)",
    block: "cells of a block (default 32)",
    variant: "weights; learn2pd: comma-separated, default all of the bundle",
    updates: "learn2pd: updates of the fit (default 4000)",
    steps: "schedule: steps of a block (default: a quarter of its cells)",
    rounds: "schedule: tables to try (default 16)",
    seed: "integer; the same seed gives the same fit",
    runtime: "native: weights other than int8 on onnxruntime-node, from a checkout (default: wasm)",
    threads: "threads of the runtime",
  },
  async run([what, ...rest], values, io) {
    const names = Object.keys(FITS);
    const out = values["out"];
    if (what === undefined || rest.length > 0 || typeof out !== "string") {
      throw new UnmaskError("usage", `fit takes what to fit and --out: unmask fit learn2pd --out FILE`);
    }
    if (!Object.hasOwn(FITS, what)) {
      throw new UnmaskError(
        "usage",
        `There is nothing to fit for "${what.slice(0, 40)}". Did you mean "${nearest(what, names)}"?`,
      );
    }
    return FITS[what as keyof typeof FITS](values, io, out); // checked above
  },
};
