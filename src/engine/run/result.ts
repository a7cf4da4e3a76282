import type { Job } from "../../core/job.ts";
import type { Span, Tokenizer } from "../../core/types.ts";
import type { Manifest } from "../../model/manifest.ts";
import { type Canvas, MASKED } from "../../strategies/canvas.ts";
import { behindText, type TextPart } from "../ask/gaps.ts";

/** What a run wrote; cells that are still masked are left out. */
export interface Result {
  readonly tokens: readonly number[];
  readonly effectiveTokens: number;
  /** Generated text up to the first end-of-text token; for an infill the whole text. */
  readonly text: string;
  readonly filled?: readonly string[];
}

/** @param hole stands in the text for each run of masks */
export function readResult(
  canvas: Canvas,
  gaps: readonly Span[],
  parts: readonly TextPart[],
  kind: Job["kind"],
  tokenizer: Tokenizer,
  special: Pick<Manifest["tokens"], "eos" | "pad">,
  hole = "",
): Result {
  const isEnd = (id: number): boolean => special.eos.includes(id);
  const written = gaps.map((gap) => filledIds(canvas, gap));
  const tokens = written.flat();
  const effectiveTokens = tokens.filter((id) => !isEnd(id) && id !== special.pad).length;
  const texts = gaps.map((gap) =>
    runsOf(canvas, gap, isEnd, hole === "")
      .map((run) => (run === null ? hole : tokenizer.decode(run)))
      .join(""),
  );
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

/** Written ids up to the first end of a text, as runs with null for the masks between them, or all in one run. */
function runsOf(
  { ids, kinds }: Canvas,
  { start, end }: Span,
  isEnd: (id: number) => boolean,
  asOne: boolean,
): (number[] | null)[] {
  const runs: (number[] | null)[] = [];
  for (let row = start; row < end; row++) {
    const id = ids[row]!;
    const last = runs.at(-1);
    if (kinds[row] === MASKED) {
      if (!asOne && last !== null) runs.push(null);
    } else if (isEnd(id)) break;
    else if (last === null || last === undefined) runs.push([id]);
    else last.push(id);
  }
  return runs;
}

function filledIds(canvas: Canvas, { start, end }: Span): number[] {
  const ids: number[] = [];
  for (let row = start; row < end; row++) if (canvas.kinds[row] !== MASKED) ids.push(canvas.ids[row]!);
  return ids;
}
