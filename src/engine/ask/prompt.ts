import { renderChat } from "../../chat/render.ts";
import { UnmaskError } from "../../core/errors.ts";
import type { ChatOptions, Job } from "../../core/job.ts";
import type { Span, Tokenizer } from "../../core/types.ts";
import { type Canvas, createCanvas } from "../../strategies/canvas.ts";
import { FREE_GAP } from "./free-gaps.ts";
import { beforeGap, parseGaps, type TextPart } from "./gaps.ts";
import { findMode } from "./mode.ts";
import type { ModelFacts } from "./model-facts.ts";
import { invalid } from "./settings.ts";

/** Text turned into rows, before the length of a continuation is known. */
export interface Prompt {
  /** Those of `gaps` that may have any length. */
  readonly free: readonly Span[];
  /** Everything given, in order; for an infill with placeholder ids where the gaps are. */
  readonly ids: readonly number[];
  /** Gaps of an infill; empty for a continuation, whose one gap follows the prompt. */
  readonly gaps: readonly Span[];
  /** The text of an infill as literal parts and gaps, to put the answer together. */
  readonly parts: readonly TextPart[];
}

/** No token of a real vocabulary stands for more text than this; a longer text is too long without encoding it. */
const MAX_CHARS_PER_CELL = 256;

/**
 * Encodes a job's text between the prefix and suffix of its mode. Special tokens come from there alone.
 *
 * @param freeSizes cells of the gaps of free length, in order; what is missing has the size they begin with
 * @throws UnmaskError `prompt-empty`, `prompt-too-long`, `no-gaps`, `usage` (an empty gap), `invalid-options`
 */
export function buildPrompt(
  job: Job,
  tokenizer: Tokenizer,
  model: ModelFacts,
  freeSizes: readonly number[] = [],
): Prompt {
  const text = job.kind === "generate" ? job.prompt : job.text;
  if (typeof text !== "string" || text.trim() === "") {
    throw new UnmaskError("prompt-empty", "The prompt is empty.");
  }
  if (text.length > model.maxCanvas * MAX_CHARS_PER_CELL) throw tooLong(model, `${text.length} characters`);
  if (job.options.chat !== undefined) return chatPrompt(job, job.options.chat, text, tokenizer, model);
  const mode = findMode(job.options.mode, model);
  const parts: readonly TextPart[] =
    job.kind === "generate" ? [{ kind: "text", text }] : parseGaps(text, model.maxCanvas);
  const ids: number[] = [...mode.prefix];
  const gaps: Span[] = [];
  const free: Span[] = [];
  let encoded = 0;
  for (const [at, part] of parts.entries()) {
    if (part.kind !== "text") {
      const cells = part.kind === "gap" ? part.cells : (freeSizes[free.length] ?? FREE_GAP);
      const gap: Span = { start: ids.length, end: ids.length + cells };
      gaps.push(gap);
      if (part.kind === "free-gap") free.push(gap);
      for (let i = 0; i < cells; i++) ids.push(model.tokens.mask);
    } else {
      const isFollowed = job.kind === "generate" || at + 1 < parts.length;
      const tokens = tokenizer.encode(isFollowed ? beforeGap(part.text) : part.text);
      encoded += tokens.length;
      for (const id of tokens) ids.push(id);
    }
    if (ids.length > model.maxCanvas) throw tooLong(model, `more than ${model.maxCanvas} tokens`);
  }
  if (job.kind === "generate" && encoded === 0) {
    throw new UnmaskError("prompt-empty", "The prompt holds no text the model can read.");
  }
  ids.push(...mode.suffix);
  if (ids.length > model.maxCanvas) throw tooLong(model, `${ids.length} tokens`);
  return { ids, gaps, free, parts };
}

function chatPrompt(
  job: Job,
  options: ChatOptions,
  text: string,
  tokenizer: Tokenizer,
  model: ModelFacts,
): Prompt {
  if (job.kind !== "generate" || job.options.mode !== undefined) {
    throw invalid("chat", "A chat is a generation without a mode.");
  }
  const ids = job.encoded ?? renderKnown(text, options, tokenizer, model);
  if (ids.length > model.maxCanvas) throw tooLong(model, `${ids.length} tokens`);
  return { ids, gaps: [], free: [], parts: [] };
}

function renderKnown(text: string, options: ChatOptions, tokenizer: Tokenizer, model: ModelFacts): number[] {
  if (options.template !== undefined) throw invalid("chat", "Templates are not run here.");
  if (model.chat === undefined) throw invalid("chat", `${model.name} has no chat template.`);
  return renderChat(model.chat, text, options, tokenizer);
}

/** The canvas of a prompt: its gaps, or `length` masks after it. */
export function promptCanvas({ ids, gaps }: Prompt, length: number, maskId: number): Canvas {
  if (gaps.length > 0) return createCanvas(ids, gaps, maskId);
  const end = ids.length + length;
  return createCanvas(
    [...ids, ...new Array<number>(length).fill(maskId)],
    [{ start: ids.length, end }],
    maskId,
  );
}

function tooLong({ maxCanvas }: ModelFacts, size: string): UnmaskError {
  return new UnmaskError(
    "prompt-too-long",
    `The prompt has ${size}, but the model's canvas holds ${maxCanvas} tokens.`,
    {
      detail: { maxCanvas },
    },
  );
}
