import type { HTMLAttributes } from "svelte/elements";
import type { UnmaskTextElement } from "./element.ts";
import type { UnmaskTextProps } from "./props.ts";

/** Props of `<unmask-text>` in Svelte. */
export type UnmaskTextSvelte = HTMLAttributes<UnmaskTextElement> & UnmaskTextProps;

// Types only. Svelte 5 sets properties and listeners of custom elements by itself.
declare module "svelte/elements" {
  interface SvelteHTMLElements {
    "unmask-text": UnmaskTextSvelte;
  }
}
