import { UnmaskError } from "../core/errors.ts";
import type { ChatMessage, ChatOptions } from "../core/job.ts";
import type { Tokenizer } from "../core/types.ts";
import type { ChatParts, ChatTemplate } from "../model/chat-template.ts";
import { cutMarks } from "./cut-marks.ts";
import { splitThinking } from "./thinking.ts";

const MAX_MESSAGES = 1000;

/**
 * Token ids of a conversation that ends with the user's `prompt`, ready for the answer.
 *
 * Control tokens come from the template alone: the tokenizer never makes them from text, and the marks of thoughts, which
 * it would make, are taken apart in what users and systems say. Text between control tokens is encoded as a whole, as the
 * reference templates are.
 *
 * @throws UnmaskError `invalid-options`
 */
export function renderChat(
  template: ChatTemplate,
  prompt: string,
  { history = [], thinking = false }: ChatOptions,
  tokenizer: Pick<Tokenizer, "encode">,
): number[] {
  checkHistory(history);
  const pieces = createPieces();
  const marks = template.thinking === undefined ? [] : [template.thinking.open, template.thinking.close];
  const add = (parts: ChatParts, write: () => void = () => {}) => {
    for (const part of parts) {
      if (part === null) write();
      else if (typeof part === "number") pieces.token(part);
      else pieces.text(part);
    }
  };
  const say = ({ role, content }: ChatMessage) =>
    add(template[role], () => {
      if (role !== "assistant") writeApart(pieces, content, marks);
      else
        pieces.text(
          template.thinking === undefined ? content : splitThinking(content, template.thinking).text,
        );
    });
  add(template.start);
  if (history[0]?.role !== "system" && template.defaultSystem !== undefined) {
    add(template.system, () => pieces.text(template.defaultSystem!));
  }
  for (const message of history) say(message);
  say({ role: "user", content: prompt });
  add(template.reply);
  if (!thinking && template.thinking !== undefined) add(template.thinking.skip);
  return pieces
    .list()
    .flatMap((piece) => (typeof piece === "number" ? [piece] : [...tokenizer.encode(piece)]));
}

/** Adjacent texts join, unless a cut stands between them. */
function createPieces() {
  const list: (number | string)[] = [];
  return {
    token: (id: number) => void list.push(id),
    text: (text: string) => {
      const last = list.at(-1);
      if (typeof last === "string") list[list.length - 1] = last + text;
      else list.push(text);
    },
    cut: () => void list.push(""),
    list: () => list.filter((piece) => piece !== ""),
  };
}

/** Writes `text` with a cut inside each mark. */
function writeApart(pieces: ReturnType<typeof createPieces>, text: string, marks: readonly string[]): void {
  for (const [at, part] of cutMarks(text, marks).entries()) {
    if (at > 0) pieces.cut();
    pieces.text(part);
  }
}

/** @throws UnmaskError `invalid-options` */
export function checkHistory(history: readonly ChatMessage[]): void {
  const fail = (problem: string): never => {
    throw new UnmaskError("invalid-options", `The chat history ${problem}.`, { detail: { option: "chat" } });
  };
  if (!Array.isArray(history)) fail("is not a list of messages");
  if (history.length > MAX_MESSAGES) fail(`has ${history.length} messages, more than ${MAX_MESSAGES}`);
  for (const [at, message] of history.entries()) {
    const { role, content } = (message ?? {}) as Partial<ChatMessage>;
    if (typeof content !== "string") fail(`has no text in message ${at + 1}`);
    if (role !== "system" && role !== "user" && role !== "assistant")
      fail(`has no known role in message ${at + 1}`);
    if (role === "system" && at > 0) fail("has a system message behind its beginning");
  }
}
