import { UnmaskTextElement } from "./element.ts";

declare global {
  interface HTMLElementTagNameMap {
    "unmask-text": UnmaskTextElement;
  }
}

/**
 * Registers `<unmask-text>`; another copy of the library on the same page may have done so already. On a server, where
 * there is no registry, nothing happens.
 */
export function defineUnmaskText(): void {
  const registry = globalThis.customElements as CustomElementRegistry | undefined;
  if (registry?.get("unmask-text") === undefined) registry?.define("unmask-text", UnmaskTextElement);
}

defineUnmaskText();
