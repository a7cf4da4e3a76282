import { UnmaskError } from "../core/errors.ts";
import { FormField } from "./form-field.ts";
import type { SheetOptions } from "./runs.ts";

type Reflected = string | number | boolean | null | undefined;

/** The element's own attributes as properties that reflect them, which is how frameworks set them. */
export class SheetAttributes extends FormField {
  /** URL or path of a bundle folder; null when absent, as for the others. */
  get model(): string | null {
    return this.getAttribute("model");
  }

  set model(value: string | null | undefined) {
    reflect(this, "model", value);
  }

  /** The text to continue; gaps written as `[[8]]` or `[[?]]` are filled by `infill()`. */
  get prompt(): string | null {
    return this.getAttribute("prompt");
  }

  set prompt(value: string | null | undefined) {
    reflect(this, "prompt", value);
  }

  /** Name of a recipe, or one in JSON. Setting an object writes its JSON. */
  get recipe(): string | null {
    return this.getAttribute("recipe");
  }

  set recipe(value: string | object | null | undefined) {
    reflect(this, "recipe", typeof value === "object" && value !== null ? JSON.stringify(value) : value);
  }

  /** Makes runs repeatable. */
  get seed(): number | null {
    const seed = this.getAttribute("seed");
    return seed === null ? null : Number(seed);
  }

  set seed(value: number | string | null | undefined) {
    reflect(this, "seed", value);
  }

  /** Address of a `.unmask.json` trace to show. */
  get src(): string | null {
    return this.getAttribute("src");
  }

  set src(value: string | null | undefined) {
    reflect(this, "src", value);
  }

  /** The trace of `src` plays by itself, unless the reader asks for reduced motion. Never loads a model. */
  get autoplay(): boolean {
    return this.hasAttribute("autoplay");
  }

  set autoplay(value: boolean) {
    reflect(this, "autoplay", value);
  }

  /** Buttons, a slider over the steps and the outcome stand below the sheet. */
  get controls(): boolean {
    return this.hasAttribute("controls");
  }

  set controls(value: boolean) {
    reflect(this, "controls", value);
  }

  /** A tint behind doubtful words. */
  get heat(): boolean {
    return this.hasAttribute("heat");
  }

  set heat(value: boolean) {
    reflect(this, "heat", value);
  }

  /** What the attributes `prompt`, `recipe` and `seed` ask of a run. @throws UnmaskError `invalid-options` */
  protected runOptions(): SheetOptions {
    const { seed } = this;
    const recipe = this.recipe?.trim();
    return {
      prompt: this.prompt ?? "",
      ...(recipe === undefined ? {} : { recipe: recipe.startsWith("{") ? parse(recipe) : recipe }),
      ...(seed === null ? {} : { seed }),
    };
  }
}

function reflect(element: Element, name: string, value: Reflected): void {
  if ((value ?? false) === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : `${value}`);
}

function parse(recipe: string): unknown {
  try {
    return JSON.parse(recipe);
  } catch (cause) {
    throw new UnmaskError("invalid-options", "The attribute `recipe` is neither a name nor JSON.", { cause });
  }
}
