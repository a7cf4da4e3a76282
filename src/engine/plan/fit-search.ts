import { type Search, usesCustom } from "../../search/input.ts";
import type { Asked, Refusal } from "./asked.ts";

/** A search writes several texts: they have to differ, and whoever goes back must not need what lies between. */
export function searchRefusals({
  name,
  preset,
  input,
  settings,
  strategy,
  search,
  hasScore,
  choice,
}: Asked): readonly Refusal[] {
  const isCustom = usesCustom(search);
  const callers: readonly Refusal[] = [
    [
      hasScore && !isCustom,
      "score",
      search === undefined
        ? "A score function is for a search: the recipe has none."
        : 'The recipe\'s search.score has no "custom", so the score function would never be asked.',
    ],
    [
      isCustom && !hasScore,
      "search.score",
      "The score custom is a JavaScript function, which this run does not bring.",
    ],
  ];
  if (search === undefined) return callers;
  const refusal = (applies: boolean, why: string): Refusal => [
    applies,
    "search",
    `The search ${search.method} ${why}.`,
  ];
  const draws = search.method === "best-of" || goesBack(search);
  // A random order is drawn whatever the temperature.
  const isFixed =
    settings.temperature === 0 && (settings.algTemp ?? 0) === 0 && strategy.scorer.confidence !== "none";
  return [
    ...callers,
    refusal(
      draws && isFixed && search.n > 1,
      preset.greedy === true
        ? `chooses among different texts, and the recipe ${name} always writes the same one`
        : "chooses among different texts: at temperature 0 they are all the same",
    ),
    refusal(
      goesBack(search) && strategy.selector.tracksKl === true,
      `goes back to earlier steps, and the recipe ${name} compares each step with the one before`,
    ),
    refusal(
      goesBack(search) && choice.policy !== "none",
      "goes to and fro between texts, and a cache keeps the numbers of one; use none",
    ),
    refusal(
      goesBack(search) && settings.guidance.residual !== undefined,
      "goes to and fro between texts, and residual guidance keeps the logits of one",
    ),
    refusal(
      search.method === "vote" && strategy.selector.visible !== undefined,
      `reads all masks at every step, and forwards of the recipe ${name} leave some out`,
    ),
    refusal(
      search.method === "zero-order" && preset.continuationOnly === true,
      `rewrites tokens in their cells, and the recipe ${name} changes the length`,
    ),
    refusal(
      search.method === "zero-order" && input.init !== undefined,
      "starts from a text of its own, so it takes no draft",
    ),
  ];
}

/** Whether a search takes up runs that were left while others went on. */
export function goesBack(search: Search): search is Extract<Search, { method: "paths" | "svdd" }> {
  return search.method === "paths" || search.method === "svdd";
}
