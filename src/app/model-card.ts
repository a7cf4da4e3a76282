import type { Page } from "./page.ts";

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
    // Written by us and rendered at build time, not by a visitor.
    page.cardText.innerHTML = html;
    // It scrolls, so it can be reached by keyboard.
    page.cardText.tabIndex = 0;
  }
  page.card.showModal();
}
