import type { Page } from "../page.ts";

/** The card of the embedded model in a dialog; its text is fetched when it is first asked for. */
export function wireModelCard(page: Page, failed: (error: unknown) => void): void {
  page.about.addEventListener("click", () => {
    void showCard(page).catch(failed);
  });
  page.closeCard.addEventListener("click", () => page.card.close());
}

async function showCard(page: Page): Promise<void> {
  if (page.cardText.childElementCount === 0) {
    const { html } = await import("virtual:model-card");
    page.cardText.innerHTML = trusted(html);
    // It scrolls, so it can be reached by keyboard.
    page.cardText.tabIndex = 0;
  }
  page.card.showModal();
}

/** The part of the Trusted Types API that is used. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createHTML(html: string): string },
  ): { createHTML(html: string): string };
}

/** The one markup that may become part of the page: written by us and rendered at build time, not by a visitor. */
function trusted(html: string): string {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
  return trustedTypes?.createPolicy("model-card", { createHTML: (text) => text }).createHTML(html) ?? html;
}
