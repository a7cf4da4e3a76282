import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

/** What axe complains of, a line each. */
export async function complaints(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, any }) => `${id}: ${html.slice(0, 120)} ${any[0]?.message ?? ""}`),
  );
}

/** Every live region of the page and its open shadow trees, shown or not: its id, or part, or tag. */
export function liveRegions(page: Page): Promise<string[]> {
  return page
    .locator(
      "[aria-live]:not([aria-live=off]), output, [role=status], [role=alert], [role=log], [role=timer], [role=marquee]",
    )
    .evaluateAll((nodes) => nodes.map((node) => node.id || node.getAttribute("part") || node.tagName));
}

/** Everything that can be touched and is smaller than 44 by 44 pixels; a label belongs to its field. */
export function smallTargets(page: Page): Promise<string[]> {
  return page
    .locator("button:visible, select:visible, input:visible, textarea:visible, a:visible, summary:visible")
    .evaluateAll((nodes) =>
      nodes.flatMap((node) => {
        const { width, height } = (node.closest("label") ?? node).getBoundingClientRect();
        // Half a pixel is what browsers round to.
        if (width >= 43.5 && height >= 43.5) return [];
        const name = node.id || node.textContent || node.tagName;
        return [`${name} ${width.toFixed()} x ${height.toFixed()}`];
      }),
    );
}
