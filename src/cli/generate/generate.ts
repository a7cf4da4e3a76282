import { UnmaskError } from "../../core/errors.ts";
import type { GenerateOptions } from "../../core/job.ts";
import type { Command, OptionValues } from "../command.ts";
import { readTextFile } from "../io/text-file.ts";
import { GENERATION_HELP, GENERATION_OPTIONS, generateOptions } from "./generation-options.ts";
import { runGeneration } from "./run-generation.ts";

export const generateCommand: Command = {
  name: "generate",
  summary: "Writes a text from a prompt.",
  usage:
    "[--model DIR] --prompt TEXT [--mode NAME | --chat [--system TEXT] [--think] [--chat-template FILE]] [--recipe NAME|JSON|FILE] [--max-new-tokens N] [--seed N] [--temperature T] [--trace FILE]",
  options: {
    ...GENERATION_OPTIONS,
    prompt: { type: "string" },
    chat: { type: "boolean" },
    system: { type: "string" },
    think: { type: "boolean" },
    "chat-template": { type: "string" },
  },
  help: {
    ...GENERATION_HELP,
    prompt: "the text to continue, or the task",
    chat: "take the prompt as a message and write the answer, for models with a chat template",
    system: "the system message of the chat",
    think: "let the model think before it answers",
    "chat-template": "a Jinja template instead of the model's own",
  },
  async run(positionals, values, io) {
    const prompt = values["prompt"];
    if (typeof prompt !== "string" || positionals.length > 0) {
      throw new UnmaskError("usage", 'Give the prompt with --prompt "TEXT".');
    }
    const options = { ...(await generateOptions(values)), ...(await chatOption(values)) };
    return await runGeneration("generate", prompt, options, values, io);
  },
};

const MAX_TEMPLATE_BYTES = 1_000_000;

async function chatOption(values: OptionValues): Promise<Pick<GenerateOptions, "chat">> {
  const { chat, system, think, "chat-template": file } = values;
  if (chat !== true) {
    if (system === undefined && think === undefined && file === undefined) return {};
    throw new UnmaskError("usage", "--system, --think and --chat-template belong to --chat.");
  }
  const history = typeof system === "string" ? [{ role: "system", content: system } as const] : [];
  const template =
    typeof file === "string"
      ? await readTextFile(file, "The chat template", MAX_TEMPLATE_BYTES, "invalid-options")
      : undefined;
  return { chat: { history, thinking: think === true, ...(template === undefined ? {} : { template }) } };
}
