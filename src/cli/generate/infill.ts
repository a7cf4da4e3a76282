import { UnmaskError } from "../../core/errors.ts";
import type { Command } from "../command.ts";
import { GENERATION_HELP, GENERATION_OPTIONS, generateOptions } from "./generation-options.ts";
import { runGeneration } from "./run-generation.ts";

const { "max-new-tokens": _length, ...INFILL_OPTIONS } = GENERATION_OPTIONS;

export const infillCommand: Command = {
  name: "infill",
  summary: "Fills the gaps of a text; [[8]] is a gap of 8 tokens, [[?]] one of up to 32.",
  usage:
    '--text "A [[8]] B" [--model DIR] [--mode NAME] [--recipe NAME|JSON|FILE] [--seed N] [--temperature T] [--trace FILE]',
  options: { ...INFILL_OPTIONS, text: { type: "string" } },
  help: { ...GENERATION_HELP, text: "the text with its gaps" },
  async run(positionals, values, io) {
    const text = values["text"];
    if (typeof text !== "string" || positionals.length > 0) {
      throw new UnmaskError("usage", 'Give the text with --text "A [[8]] B".');
    }
    return await runGeneration("infill", text, await generateOptions(values), values, io);
  },
};
