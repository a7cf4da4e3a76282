import type { SvelteHTMLElements } from "svelte/elements";
import type {} from "unmask/element/svelte";

/** What a Svelte template accepts on the element. Compiled, never run. */
type Props = SvelteHTMLElements["unmask-text"];

export const props: Props = {
  class: "sheet",
  src: "run.unmask.json",
  autoplay: true,
  "onunmask-done": ({ detail }) => detail.text?.trim(),
};
// @ts-expect-error: attributes are text, numbers and flags
export const wrong: Props = { autoplay: "yes" };
// @ts-expect-error: nothing of the event's detail
export const mistaken: Props = { "onunmask-error": ({ detail }) => detail.text };
