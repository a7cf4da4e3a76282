import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";
import { openDemo, STORY } from "./demo-page.ts";

/** What axe complains of, a line each. */
async function complaints(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 120)}`));
}

for (const theme of ["light", "dark"] as const) {
  test(`axe finds nothing on any state of the page, ${theme}`, async ({ page }) => {
    test.setTimeout(180_000);
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    const demo = await openDemo(page);
    expect(await complaints(page)).toEqual([]);
    await page.getByRole("button", { name: "More" }).click();
    await demo.prompt.fill(STORY);
    await demo.setLength(16);
    await demo.step.click();
    await expect(demo.status).toContainText("held", { timeout: 60_000 });
    expect(await complaints(page)).toEqual([]);
    await demo.stop.click();
    await expect(demo.status).toContainText("done");
    await page.getByLabel("Tint words by doubt").check();
    expect(await complaints(page)).toEqual([]);
    await demo.setLength(100_000);
    await demo.generate.click();
    await expect(demo.problem).toBeVisible();
    expect(await complaints(page)).toEqual([]);
  });
}

test("axe finds nothing on the element with controls, alone on a page", async ({ page }) => {
  await page.goto("favicon.svg");
  await page.route("**/host.html", (route) =>
    route.fulfill({
      contentType: "text/html",
      headers: { "Cross-Origin-Embedder-Policy": "require-corp" },
      body: `<!doctype html><html lang="en"><title>host</title><main><h1>Host</h1>
<script type="module" src="embed.js"></script>
<unmask-text controls prompt="Once upon a time" recipe='{"preset":"llada","length":16}'></unmask-text></main></html>`,
    }),
  );
  await page.goto("host.html");
  const sheet = page.locator("unmask-text");
  const write = sheet.getByRole("button", { name: /^Write/ });
  await expect(write).toBeVisible();
  expect(await complaints(page)).toEqual([]);
  // By keyboard alone: Tab to the button, Enter writes, Tab to the slider, arrows go back in time.
  await page.keyboard.press("Tab");
  await expect(write).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(sheet.getByRole("status")).toHaveText(/^done/, { timeout: 90_000 });
  expect(await complaints(page)).toEqual([]);
  await sheet.getByRole("slider", { name: "Step" }).focus();
  await page.keyboard.press("ArrowLeft");
  expect(await sheet.evaluate((element: HTMLElement & { text: string }) => element.text)).toContain("…");
});

test("everything on the page is reached by keyboard, in reading order", async ({ page }) => {
  const demo = await openDemo(page);
  await demo.prompt.focus();
  const names: string[] = [];
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press("Tab");
    names.push(await page.evaluate(() => document.activeElement?.id ?? ""));
  }
  const order = ["generate", "step", "strategy", "length", "more", "model", "load"];
  expect(names.filter((name) => order.includes(name))).toEqual(order);
});

test("at 200 % zoom and on a phone nothing is cut off, and targets are large enough for fingers", async ({
  browser,
  baseURL,
}) => {
  const context = await browser.newContext({
    viewport: { width: 320, height: 640 },
    hasTouch: true,
    isMobile: true,
    serviceWorkers: "block",
  });
  const page = await context.newPage();
  await openDemo(page, `${baseURL}?backend=wasm`);
  await page.getByRole("button", { name: "More" }).click();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  const small = await page.locator("button:visible, select:visible, input:visible").evaluateAll((nodes) =>
    nodes
      .map((node) => ({
        id: node.id,
        height: (node.closest("label") ?? node).getBoundingClientRect().height,
      }))
      .filter(({ height }) => height < 44)
      .map(({ id, height }) => `${id} ${height}`),
  );
  expect(small).toEqual([]);
  await context.close();
});
