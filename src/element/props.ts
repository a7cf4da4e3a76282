import type { UnmaskTextElement } from "./element.ts";
import type { UnmaskTextEventMap } from "./events.ts";

/** Attributes of `<unmask-text>`, as markup and templates write them. */
export interface UnmaskTextAttributes {
  /** URL or path of a bundle folder. */
  model?: string | undefined;
  /** The text to continue; gaps of 8 or of free length are written `[[8]]` and `[[?]]`. */
  prompt?: string | undefined;
  /** Name of a recipe, or one in JSON. */
  recipe?: string | undefined;
  /** Makes runs repeatable. */
  seed?: number | string | undefined;
  /** Address of a `.unmask.json` trace to show; no model is loaded for it. */
  src?: string | undefined;
  /** The trace of `src` plays by itself, not with reduced motion. */
  autoplay?: boolean | undefined;
  /** Buttons, a slider over the steps and the outcome stand below the sheet. */
  controls?: boolean | undefined;
  /** A tint behind doubtful words. */
  heat?: boolean | undefined;
  /** Name in a form, where the value is the text. */
  name?: string | undefined;
  /** Nothing can be run; a run that is under way ends. */
  disabled?: boolean | undefined;
}

/** Listeners as properties: `onunmask-done` and the others. */
export type UnmaskTextHandlers = {
  [K in keyof UnmaskTextEventMap as `on${K}`]?: ((event: UnmaskTextEventMap[K]) => void) | undefined;
};

/** What a template may set on `<unmask-text>` besides the attributes of every element. */
export type UnmaskTextProps = UnmaskTextAttributes &
  UnmaskTextHandlers & {
    [K in "trace" | "loadOptions" | "openWorker"]?: UnmaskTextElement[K] | undefined;
  };
