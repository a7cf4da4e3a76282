import type { Job } from "../core/job.ts";
import type { Span, Tokenizer } from "../core/types.ts";
import type { Manifest } from "../model/manifest.ts";
import { type Canvas, MASKED } from "../strategies/canvas.ts";
import { behindText, type TextPart } from "./gaps.ts";

/** What a run wrote; cells that are still masked are left out. */
export interface Result {
  readonly tokens: readonly number[];
  readonly effectiveTokens: number;
  /** Generated text up to the first end-of-text token; for an infill the whole text. */
  readonly text: string;
  readonly filled?: readonly string[];
}

export function readResult(
  canvas: Canvas,
  gaps: readonly Span[],
  parts: readonly TextPart[],
  kind: Job["kind"],
  tokenizer: Tokenizer,
  special: Pick<Manifest["tokens"], "eos" | "pad">,
): Result {
  const isEnd = (id: number): boolean => special.eos.includes(id);
  const written = gaps.map((gap) => filledIds(canvas, gap));
  const tokens = written.flat();
  const effectiveTokens = tokens.filter((id) => !isEnd(id) && id !== special.pad).length;
  const texts = written.map((ids) => {
    const end = ids.findIndex(isEnd);
    return tokenizer.decode(end < 0 ? ids : ids.slice(0, end));
  });
  let before = "";
  let gap = 0;
  if (kind === "generate") {
    const [prompt] = parts;
    if (prompt?.kind === "text") before = prompt.text;
    return { tokens, effectiveTokens, text: behindText(before, texts.join("")) };
  }
  const filled: string[] = [];
  const whole = parts.map((part) => {
    if (part.kind === "text") {
      before = part.text;
      return part.text;
    }
    filled.push(behindText(before, texts[gap++] ?? ""));
    before = "";
    return filled.at(-1)!;
  });
  return { tokens, effectiveTokens, text: whole.join(""), filled };
}

function filledIds(canvas: Canvas, { start, end }: Span): number[] {
  const ids: number[] = [];
  for (let row = start; row < end; row++) if (canvas.kinds[row] !== MASKED) ids.push(canvas.ids[row]!);
  return ids;
}
