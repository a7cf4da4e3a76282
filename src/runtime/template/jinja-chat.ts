import { readRendered, templateRequest } from "../../chat/jinja.ts";
import { specialTokens, templateOf } from "../../chat/template-source.ts";
import { UnmaskError } from "../../core/errors.ts";
import type { Job } from "../../core/job.ts";
import type { Manifest } from "../../model/manifest.ts";
import type { Platform } from "../platform/platform.ts";
import type { TextTokenizer } from "../tokenizer/tokenizer.ts";
import { renderTemplate } from "./render-template.ts";

/** The file of a bundle that holds the checkpoint's template, where it is not in the tokenizer's configuration. */
export const TEMPLATE_FILE = "chat_template.jinja";

/** What chats by a template need of a bundle. */
export interface JinjaSource {
  /** The model's own; absent when it has none, or one of a known family that was compiled. */
  readonly template?: string;
  /** See `specialTokens`. */
  readonly special: Readonly<Record<string, string>>;
}

/** Reads the template of a bundle and the names of its special tokens; files that cannot be read have none. */
export function jinjaSource(
  { chat }: Pick<Manifest, "chat">,
  config: Uint8Array | undefined,
  file: Uint8Array | undefined,
): JinjaSource {
  const settings = parse(config);
  const template = file === undefined ? templateOf(settings) : new TextDecoder().decode(file);
  return {
    special: specialTokens(settings),
    ...(chat === undefined && template !== undefined ? { template } : {}),
  };
}

/**
 * The job with its chat encoded, when that takes a Jinja template: one that the caller gives, or the model's own where no
 * known family was recognised. Any other job is returned as it is.
 *
 * @throws UnmaskError `invalid-options`, `backend-unavailable`
 */
export async function encodeChat(
  job: Job,
  { jinja, tokenizer }: { readonly jinja: JinjaSource; readonly tokenizer: TextTokenizer },
  { startTemplateWorker }: Pick<Platform, "startTemplateWorker">,
): Promise<Job> {
  if (job.kind !== "generate" || job.options.chat === undefined) return job;
  const { chat } = job.options;
  const template = chat.template ?? jinja.template;
  if (template === undefined) return job;
  if (startTemplateWorker === undefined) {
    throw new UnmaskError("backend-unavailable", "Chat templates cannot be run here.");
  }
  const { added } = tokenizer;
  const { guard, ...request } = templateRequest(template, job.prompt, chat, added, jinja.special);
  const start = await startTemplateWorker();
  const text = await renderTemplate(start, request);
  return { ...job, encoded: readRendered(text, guard, added, tokenizer.encode) };
}

function parse(bytes: Uint8Array | undefined): unknown {
  try {
    return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
