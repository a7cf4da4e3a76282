import { uniform } from "../../core/random.ts";
import { RANDOM_STREAMS } from "../../core/random-streams.ts";
import { type Canvas, FILLED } from "../canvas.ts";
import type { DraftHints } from "../strategy.ts";

/** Runs of tokens that prompt lookup matches, longest first; single tokens match everywhere. */
const LONGEST = 4;
const SHORTEST = 2;

/**
 * Prompt lookup (A. Saxena, "Prompt Lookup Decoding", 2023): what followed the last tokens of a text the last time they
 * stood in it. Drafts lists, tables, code and quotations without any model.
 *
 * @param ids the text
 * @param cells most tokens to draft
 * @returns empty when no run of two tokens comes back
 */
export function promptLookup(ids: Int32Array, cells: number): Int32Array {
  for (let n = Math.min(LONGEST, ids.length - 1); n >= SHORTEST; n--) {
    const tail = ids.length - n;
    for (let start = tail - 1; start >= 0; start--) {
      let same = 0;
      while (same < n && ids[start + same] === ids[tail + same]) same++;
      if (same === n) return ids.slice(start + n, start + n + cells);
    }
  }
  return new Int32Array(0);
}

/** Which tokens of a draft are used: each with probability `share`. */
export interface DraftChoice {
  readonly share: number;
  readonly seed: number;
}

/**
 * Puts the tokens of a draft into the cells from `first` on (context-aware initialisation, arXiv 2512.19004: token
 * injection). Changes the canvas.
 */
export function placeDraft(canvas: Canvas, first: number, draft: Int32Array, choice: DraftChoice): void {
  for (const { row, id } of chosenTokens(canvas, first, draft, choice)) {
    canvas.ids[row] = id;
    canvas.kinds[row] = FILLED;
  }
}

/**
 * The tokens of a draft as hints for the cells from `first` on, which stay masked (the same paper: embedding
 * interpolation).
 *
 * @param blend share of a token's vector in what its mask is read as
 */
export function hintDraft(
  canvas: Canvas,
  first: number,
  draft: Int32Array,
  { blend, ...choice }: DraftChoice & { readonly blend: number },
): DraftHints {
  const ids = new Int32Array(canvas.ids.length).fill(-1);
  for (const { row, id } of chosenTokens(canvas, first, draft, choice)) ids[canvas.slots[row]!] = id;
  return { ids, share: blend };
}

function chosenTokens(canvas: Canvas, first: number, draft: Int32Array, { share, seed }: DraftChoice) {
  return Array.from(draft.subarray(0, canvas.ids.length - first), (id, i) => ({ row: first + i, id })).filter(
    ({ row }) => uniform(seed, 0, row, RANDOM_STREAMS.draft) < share,
  );
}
