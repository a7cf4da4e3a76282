import { expect } from "@playwright/test";
import { openDemo } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";

interface LayoutShift extends PerformanceEntry {
  readonly value: number;
}

for (const [name, viewport] of [
  ["a phone", { width: 412, height: 823 }],
  ["a desktop", { width: 1280, height: 800 }],
] as const) {
  test(`nothing moves while the page starts and its recording begins, on ${name}`, async ({ page }) => {
    await page.setViewportSize(viewport);
    await page.addInitScript(() => {
      const shifts: string[] = [];
      Object.assign(globalThis, { shifts });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as LayoutShift[]) {
          const { value, sources = [] } = entry as LayoutShift & { sources?: { node: Node | null }[] };
          const moved = sources.map(({ node }) => (node as Element | null)?.id ?? node?.nodeName);
          shifts.push(`${value.toFixed(4)} ${moved.join(" ")}`);
        }
      }).observe({ type: "layout-shift", buffered: true });
    });
    await openDemo(page, "..");
    await expect(page.locator("unmask-text .fresh").first()).toBeVisible();
    const shifts = await page.evaluate(() => (globalThis as unknown as { shifts: string[] }).shifts);
    const sum = shifts.reduce((total, shift) => total + Number.parseFloat(shift), 0);
    expect(sum, shifts.join("\n")).toBeLessThan(0.02);
  });
}
