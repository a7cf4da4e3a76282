import { UnmaskError } from "../core/errors.ts";
import type { SheetOptions } from "./runs.ts";

/** What the attributes `prompt`, `recipe` (a name, or JSON) and `seed` ask of a run. @throws UnmaskError `invalid-options` */
export function readAttributes(element: Element): SheetOptions {
  const recipe = element.getAttribute("recipe")?.trim();
  const seed = element.getAttribute("seed");
  return {
    prompt: element.getAttribute("prompt") ?? "",
    ...(recipe === undefined ? {} : { recipe: recipe.startsWith("{") ? parse(recipe) : recipe }),
    ...(seed === null ? {} : { seed: Number(seed) }),
  };
}

function parse(recipe: string): unknown {
  try {
    return JSON.parse(recipe);
  } catch (cause) {
    throw new UnmaskError("invalid-options", "The attribute `recipe` is neither a name nor JSON.", { cause });
  }
}
