import { UnmaskTextElement } from "./element.ts";

declare global {
  interface HTMLElementTagNameMap {
    "unmask-text": UnmaskTextElement;
  }
}

/** Registers `<unmask-text>`; another copy of the library on the same page may have done so already. */
export function defineUnmaskText(): void {
  if (customElements.get("unmask-text") === undefined)
    customElements.define("unmask-text", UnmaskTextElement);
}

defineUnmaskText();
