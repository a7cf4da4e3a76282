import { UnmaskError } from "../core/errors.ts";
import type { ChatMessage, ChatOptions } from "../core/job.ts";
import { cutMarks } from "./cut-marks.ts";
import { checkHistory } from "./render.ts";
import { splitThinking } from "./thinking.ts";

/**
 * Chats by a Jinja template: one that the caller gives, or a model's own of no known family. The template runs elsewhere
 * (run-template.ts, in a worker that can be killed); here is what goes in and how its text becomes token ids.
 *
 * A template writes control tokens as text, and so can a user. They are told apart by a private character that is put
 * behind the first character of every possible control token in what people say: what still reads as a control token in
 * the result was written by the template.
 */

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Special tokens are unknown to the encoder of text; others it would make of the same characters. */
  readonly special: boolean;
}

/** Text and variables as the worker takes them. */
export interface TemplateRequest {
  readonly template: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

export interface GuardedRequest extends TemplateRequest {
  /** The private character; none of the texts had it. */
  readonly guard: string;
}

const MAX_TEMPLATE_CHARS = 1_000_000;
const PRIVATE_USE = { first: 0xe000, last: 0xf8ff };

/**
 * @param special names like `bos_token` with their texts, from the tokenizer's configuration
 * @throws UnmaskError `invalid-options`
 */
export function templateRequest(
  template: string,
  prompt: string,
  { history = [], thinking = false }: ChatOptions,
  added: readonly AddedToken[],
  special: Readonly<Record<string, string>>,
): GuardedRequest {
  if (typeof template !== "string" || template.length > MAX_TEMPLATE_CHARS) {
    throw invalid(`is no text of up to ${MAX_TEMPLATE_CHARS} characters`);
  }
  checkHistory(history);
  const spoken = [...history, { role: "user", content: prompt } as const];
  const guard = freeCharacter([template, ...spoken.map(({ content }) => content)]);
  const starts = new Set(added.map(({ content }) => firstOf(content)));
  const guarded = (text: string) =>
    Array.from(text, (char) => (starts.has(char) ? char + guard : char)).join("");
  const messages = spoken.map((message) => messageOf(message, guarded));
  const variables = { ...special, messages, add_generation_prompt: true, enable_thinking: thinking };
  return { template, variables, guard };
}

/** Thoughts of an answer stand apart, as templates of models that think want them. */
function messageOf({ role, content }: ChatMessage, guarded: (text: string) => string) {
  if (role !== "assistant") return { role, content: guarded(content) };
  const { text, thoughts } = splitThinking(content);
  return {
    role,
    content: guarded(text),
    ...(thoughts === undefined ? {} : { reasoning_content: guarded(thoughts) }),
  };
}

function freeCharacter(texts: readonly string[]): string {
  for (let code = PRIVATE_USE.first; code <= PRIVATE_USE.last; code++) {
    const char = String.fromCharCode(code);
    if (!texts.some((text) => text.includes(char))) return char;
  }
  throw invalid("cannot be used: the chat holds every character of private use");
}

/**
 * Token ids of a rendered chat.
 *
 * @param text what the template wrote
 * @param encode encodes a text without special tokens
 */
export function readRendered(
  text: string,
  guard: string,
  added: readonly AddedToken[],
  encode: (text: string) => ArrayLike<number>,
): number[] {
  const known = added.filter(({ content }) => content !== "");
  const byFirst = new Map<string, AddedToken[]>();
  for (const token of [...known].sort((a, b) => b.content.length - a.content.length)) {
    const first = token.content[0]!;
    byFirst.set(first, [...(byFirst.get(first) ?? []), token]);
  }
  const marks = known.filter(({ special }) => !special).map(({ content }) => content);
  const ids: number[] = [];
  const say = (part: string) => {
    for (const piece of cutMarks(part.replaceAll(guard, ""), marks)) {
      if (piece !== "") ids.push(...Array.from(encode(piece)));
    }
  };
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const token = byFirst.get(text[at]!)?.find(({ content }) => text.startsWith(content, at));
    if (token === undefined) continue;
    say(text.slice(start, at));
    ids.push(token.id);
    start = at + token.content.length;
    at = start - 1;
  }
  say(text.slice(start));
  return ids;
}

function firstOf(text: string): string {
  return String.fromCodePoint(text.codePointAt(0) ?? 0);
}

function invalid(problem: string): UnmaskError {
  return new UnmaskError("invalid-options", `The chat template ${problem}.`, { detail: { option: "chat" } });
}
