import { UnmaskError } from "../core/errors.ts";
import type { Command } from "./command.ts";
import { GENERATION_HELP, GENERATION_OPTIONS, generateOptions } from "./generation-options.ts";
import { runGeneration } from "./run-generation.ts";

export const generateCommand: Command = {
  name: "generate",
  summary: "Writes a text from a prompt.",
  usage:
    "[--model DIR] --prompt TEXT [--mode NAME] [--recipe NAME|JSON|FILE] [--max-new-tokens N] [--seed N] [--temperature T] [--trace FILE]",
  options: { ...GENERATION_OPTIONS, prompt: { type: "string" } },
  help: { ...GENERATION_HELP, prompt: "the text to continue, or the task" },
  async run(positionals, values, io) {
    const prompt = values["prompt"];
    if (typeof prompt !== "string" || positionals.length > 0) {
      throw new UnmaskError("usage", 'Give the prompt with --prompt "TEXT".');
    }
    return await runGeneration("generate", prompt, await generateOptions(values), values, io);
  },
};
