import { UnmaskError } from "../core/errors.ts";
import type { Command, CommandIo, CommandOutcome, OptionValues } from "./command.ts";
import { importBench } from "./import-bench.ts";

/** `bench/evaluate.ts` of the checkout. */
interface EvaluateModule {
  evaluate(values: OptionValues, io: CommandIo): Promise<CommandOutcome>;
}

export const evalCommand: Command = {
  name: "eval",
  summary: "Measures a bundle: likelihood of held-out text, infill, tasks, stories, quantisation.",
  usage:
    "[--quick] [--model DIR] [--parts LIST] [--tasks LIST] [--limit N] [--recipe NAME|JSON|FILE] [--reference DIR] [--companion DIR] [--out DIR]",
  options: {
    model: { type: "string" },
    quick: { type: "boolean" },
    parts: { type: "string" },
    prompts: { type: "string" },
    tasks: { type: "string" },
    limit: { type: "string" },
    length: { type: "string" },
    recipe: { type: "string" },
    variant: { type: "string" },
    runtime: { type: "string" },
    threads: { type: "string" },
    reference: { type: "string" },
    companion: { type: "string" },
    data: { type: "string" },
    worlds: { type: "string" },
    journal: { type: "string" },
    out: { type: "string" },
  },
  help: {
    model: "bundle folder (default: the embedded model)",
    quick: "a little of everything, in some minutes",
    parts:
      "comma-separated: nelbo, infill, parallel, quantisation, precision, tasks, margin, stories (default: all)",
    prompts: "JSON lines of {task, prompt, answer} (default: the held-out prompts of training/)",
    tasks: "comma-separated task names (default: all)",
    limit: "prompts a task (default 300)",
    length: "cells for the response to a task (default 64)",
    recipe: "for tasks and infill llada, one token a step; for stories the bundle's own",
    variant: "weights: int8, q4, ...",
    runtime: "native (onnxruntime-node) or wasm (default: native where it loads)",
    threads: "threads of the runtime",
    reference:
      "checkpoint folder of the bundle, to compare its weights with float32 (default: its master in training/masters)",
    companion: "folder of the autoregressive twin, which judges stories (default: public/models/ar)",
    worlds:
      "story worlds that were trained on, of which no copies are wanted either (python -m training.worlds --out)",
    data: "folder of the collected text (default: ../shared/data beside the checkout)",
    journal:
      "finished work is kept here, so that a stopped run goes on (default: .cache/bench-journal.jsonl)",
    out: "write eval.json and eval.md into this folder",
  },
  async run(positionals, values, io) {
    if (positionals.length > 0) throw new UnmaskError("usage", "eval takes options only.");
    const { evaluate } = await importBench<EvaluateModule>("evaluate");
    return await evaluate(values, io);
  },
};
