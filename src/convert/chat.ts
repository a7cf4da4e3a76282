import { type CompiledChat, compileChat } from "../chat/compile.ts";
import { templateOf } from "../chat/template-source.ts";
import type { CheckpointFolder } from "./checkpoint/byte-source.ts";
import { readAll, readJson } from "./checkpoint/checkpoint.ts";
import { addedTokens } from "./tokens.ts";

const MAX_TEMPLATE_BYTES = 1_000_000;

/**
 * The chat template of a checkpoint as data: from `chat_template.jinja`, else from `tokenizer_config.json`. `unknown` is a
 * template of no known family.
 */
export async function findChat(folder: CheckpointFolder): Promise<CompiledChat | "none" | "unknown"> {
  const names = await folder.names();
  const template = await readTemplate(folder, names);
  if (template === undefined) return "none";
  const added = addedTokens(await readJson(folder, "tokenizer.json"));
  return compileChat({ template, added }) ?? "unknown";
}

async function readTemplate(folder: CheckpointFolder, names: readonly string[]): Promise<string | undefined> {
  const file = "chat_template.jinja";
  if (names.includes(file)) {
    const source = await folder.open(file);
    if (source.size > MAX_TEMPLATE_BYTES) return "";
    return new TextDecoder().decode(await readAll(source, file));
  }
  if (!names.includes("tokenizer_config.json")) return undefined;
  return templateOf(await readJson(folder, "tokenizer_config.json"));
}
