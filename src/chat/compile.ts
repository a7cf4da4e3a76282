import type { ChatTemplate } from "../model/chat-template.ts";

/** What a checkpoint says about its chats. */
export interface ChatSource {
  /** The Jinja template as text; it is looked at, never run. */
  readonly template: string;
  /** Ids of added tokens by what they show. */
  readonly added: ReadonlyMap<string, number>;
}

export interface CompiledChat {
  readonly template: ChatTemplate;
  /** Ends a message, and with it an answer. */
  readonly end?: number;
}

/** Templates of the published families, told apart by the control tokens they are written with. */
const FAMILIES: readonly ((source: ChatSource) => CompiledChat | undefined)[] = [chatMl, llada, modernBert];

/** The template of a known family; undefined for one that is none of them. */
export function compileChat(source: ChatSource): CompiledChat | undefined {
  for (const family of FAMILIES) {
    const found = family(source);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Qwen and what was trained from it (A2D, SDAR, Dream, Fast-dLLM). */
function chatMl({ template, added }: ChatSource): CompiledChat | undefined {
  const start = added.get("<|im_start|>");
  const end = added.get("<|im_end|>");
  if (start === undefined || end === undefined || !template.includes("<|im_start|>")) return undefined;
  const turn = (role: string) => [start, `${role}\n`, null, end, "\n"];
  const defaultSystem = systemOf(template);
  const [open, close] = [added.get("<think>"), added.get("</think>")];
  const thinks = open !== undefined && close !== undefined && template.includes("enable_thinking");
  return {
    template: {
      start: [],
      system: turn("system"),
      user: turn("user"),
      assistant: turn("assistant"),
      reply: [start, "assistant\n"],
      ...(defaultSystem !== undefined && { defaultSystem }),
      ...(thinks && {
        thinking: { open: "<think>", close: "</think>", skip: [open, "\n\n", close, "\n\n"] },
      }),
    },
    end,
  };
}

/** The system message that a ChatML template writes by itself: a literal between its control tokens. */
function systemOf(template: string): string | undefined {
  const [, literal] = /<\|im_start\|>system\\n([^'"<>{}]{1,4000})<\|im_end\|>/.exec(template) ?? [];
  return literal?.replaceAll("\\n", "\n").replace(/\\(.)/g, "$1");
}

function llada({ template, added }: ChatSource): CompiledChat | undefined {
  const begin = added.get("<|startoftext|>");
  const open = added.get("<|start_header_id|>");
  const close = added.get("<|end_header_id|>");
  const end = added.get("<|eot_id|>");
  if (open === undefined || close === undefined || end === undefined) return undefined;
  if (!template.includes("<|start_header_id|>")) return undefined;
  const head = (role: string) => [open, role, close, "\n\n"];
  const turn = (role: string) => [...head(role), null, end];
  return {
    template: {
      start: begin !== undefined && template.includes("<|startoftext|>") ? [begin] : [],
      system: turn("system"),
      user: turn("user"),
      assistant: turn("assistant"),
      reply: head("assistant"),
    },
    end,
  };
}

/** BERT-Chat: brackets in plain text, no control tokens. */
function modernBert({ template }: ChatSource): CompiledChat | undefined {
  if (!["[SYS]", "[Question]", "[/Question]", "[Answer]"].every((mark) => template.includes(mark)))
    return undefined;
  const turn = (mark: string) => [`[${mark}]\n`, null, `\n[/${mark}]\n\n`];
  return {
    template: {
      start: [],
      system: turn("SYS"),
      user: turn("Question"),
      assistant: turn("Answer"),
      reply: ["[Answer]\n"],
    },
  };
}
