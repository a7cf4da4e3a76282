import type { Tokenizer } from "../../core/types.ts";
import type { Canvas } from "../../strategies/canvas.ts";
import { hintDraft, placeDraft, promptLookup } from "../../strategies/pieces/draft.ts";
import type { RecipeInput } from "../../strategies/recipe/recipe.ts";
import type { DraftHints } from "../../strategies/strategy.ts";
import { beforeGap, draftBehind } from "../ask/gaps.ts";
import type { Prompt } from "../ask/prompt.ts";
import type { RunControl } from "./run-job.ts";

type Init = NonNullable<RecipeInput["init"]>;

/**
 * Brings the draft of a recipe to its cells, behind the prompt: as tokens in the canvas, or as hints for its masks. What
 * does not fit behind the prompt is left out.
 *
 * @returns the hints, where the recipe blends
 */
export async function applyDraft(
  init: Init,
  prompt: Prompt,
  canvas: Canvas,
  tokenizer: Tokenizer,
  control: RunControl,
  seed: number,
): Promise<DraftHints | undefined> {
  const draft = await draftOf(init, prompt, canvas, tokenizer, control);
  const { share = 1, blend } = init;
  const first = prompt.ids.length;
  if (blend !== undefined) return hintDraft(canvas, first, draft, { share, seed, blend });
  placeDraft(canvas, first, draft, { share, seed });
  return undefined;
}

/** The recipe's own text, how a companion goes on, or a passage of the prompt. */
async function draftOf(
  { draft, from }: Init,
  { ids, parts }: Prompt,
  canvas: Canvas,
  tokenizer: Tokenizer,
  { companion }: RunControl,
): Promise<Int32Array> {
  const [first] = parts;
  const text = first?.kind === "text" ? first.text : "";
  const count = canvas.ids.length - ids.length;
  if (draft !== undefined) return tokenizer.encode(draftBehind(text, draft));
  if (from === "companion") return companion!({ kind: "continue", ids: Int32Array.from(ids), count });
  return promptLookup(tokenizer.encode(beforeGap(text)), count);
}
