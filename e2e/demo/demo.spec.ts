import { expect } from "@playwright/test";
import { openDemo, STORY } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";

test("the page loads quietly and downloads no model before a click", async ({ page }) => {
  const problems: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("request", (request) => requests.push(request.url()));
  const demo = await openDemo(page, "..");
  await page.waitForLoadState("networkidle");

  await expect(demo.status).toHaveText("ready");
  await expect(demo.stop).toBeDisabled();
  await expect(demo.fill).toBeDisabled();
  // The tests block service workers, but for those of offline use.
  expect(problems.filter((line) => !line.includes("blocked by Playwright"))).toEqual([]);
  expect(requests.filter((url) => url.includes("models/") || url.endsWith(".wasm"))).toEqual([]);
});

test("a prompt is continued with the embedded model, again after that, and again after a reload", async ({
  page,
}) => {
  const demo = await openDemo(page);
  await demo.run(STORY, 32);
  const first = await demo.text();
  expect(first.startsWith(STORY)).toBe(true);
  expect(first.length).toBeGreaterThan(STORY.length + 20);
  expect(first).not.toContain("…");
  await expect(demo.canvas).toContainText(STORY);
  await expect(demo.stop).toBeDisabled();
  await expect(page.locator("#backend-chip")).toContainText("WASM");

  await demo.run(STORY, 32);
  expect(await demo.text()).toBe(first);

  await page.reload();
  const again = await openDemo(page);
  await again.run(STORY, 32);
  expect(await again.text()).toBe(first);
});

test("the status names each phase and the bar counts bytes", async ({ page }) => {
  const demo = await openDemo(page);
  const said = await page.evaluateHandle(() => {
    const texts: string[] = [];
    const nodes = [document.getElementById("status"), document.getElementById("progress-text")];
    const note = (): void => {
      for (const node of nodes) texts.push(node?.textContent ?? "");
    };
    for (const node of nodes)
      new MutationObserver(note).observe(node!, { childList: true, characterData: true, subtree: true });
    return texts;
  });
  await demo.run(STORY, 8);
  const all = (await said.jsonValue()).join("\n");
  for (const phase of ["loading", "compiling", "generating", "done"]) expect(all).toContain(phase);
  expect(all).toMatch(/\d+\.\d of \d+\.\d MB/);
});

test("Stop ends a run within a step, keeps what is there, and the next run works", async ({ page }) => {
  const demo = await openDemo(page);
  await demo.prompt.fill(STORY);
  await demo.setLength(256);
  await demo.generate.click();
  await expect.poll(async () => Number(await page.locator("#figure-step").textContent())).toBeGreaterThan(2);
  await demo.stop.click();
  await expect(demo.status).toContainText("done: stopped");
  const partial = await demo.text();
  expect(partial).toContain("…");
  await page.waitForTimeout(500);
  expect(await demo.text()).toBe(partial);

  await demo.run(STORY, 8);
  expect(await demo.text()).not.toContain("…");
});

test("Step runs one step and holds; Generate goes on to the end", async ({ page }) => {
  const demo = await openDemo(page);
  const step = page.locator("#figure-step");
  await demo.prompt.fill(STORY);
  await demo.setLength(12);
  await demo.step.click();
  await expect(demo.status).toContainText("held after step 1,");
  await expect(step).toHaveText("1");
  await demo.step.click();
  await expect(step).toHaveText("2");
  await page.waitForTimeout(700);
  await expect(step).toHaveText("2");
  await expect(demo.stop).toBeEnabled();

  await demo.generate.click();
  await expect(demo.status).toContainText("done");
  expect(await demo.text()).not.toContain("…");
});

test("Stop ends a run that Step holds", async ({ page }) => {
  const demo = await openDemo(page);
  await demo.prompt.fill(STORY);
  await demo.setLength(12);
  await demo.step.click();
  await expect(demo.status).toContainText("held after step 1,");
  await demo.stop.click();
  await expect(demo.status).toContainText("done: stopped");
  await demo.run(STORY, 8);
});

test("Fill writes into the gaps and leaves the rest alone", async ({ page }) => {
  const demo = await openDemo(page);
  await demo.prompt.fill("Lily found a [[6]] in the garden. She [[8]] and smiled.");
  await expect(demo.generate).toBeDisabled();
  await demo.fill.click();
  await expect(demo.status).toContainText("done");
  const text = await demo.text();
  expect(text).toMatch(/^Lily found a[\s\S]+in the garden\. She[\s\S]+and smiled\.$/);
  expect(text).not.toContain("[[");
});

test("the slider scrubs through the steps", async ({ page }) => {
  const demo = await openDemo(page);
  await demo.run(STORY, 16);
  const end = await demo.text();
  const steps = Number(await demo.timeline.getAttribute("max"));
  expect(steps).toBeGreaterThan(1);

  await demo.timeline.fill("0");
  expect(await demo.text()).toBe(`${STORY} …`);
  await expect(page.locator("#figure-step")).toHaveText(`0/${steps}`);
  await demo.timeline.focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.locator("#figure-step")).toHaveText(`1/${steps}`);
  await page.keyboard.press("End");
  expect(await demo.text()).toBe(end);
});

test("everything is reachable and usable from the keyboard", async ({ page }) => {
  const demo = await openDemo(page);
  await demo.prompt.focus();
  await page.keyboard.type(STORY);
  await demo.setLength(8);
  await demo.prompt.focus();
  await page.keyboard.press("Control+Enter");
  await expect(demo.status).toContainText("done", { timeout: 90_000 });

  const more = page.getByRole("button", { name: "More", exact: true });
  await more.focus();
  await page.keyboard.press("Enter");
  await expect(more).toHaveAttribute("aria-expanded", "true");
  const seen = new Set<string>();
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  for (let i = 0; i < 30; i += 1) {
    await page.keyboard.press("Tab");
    seen.add(await page.evaluate(() => document.activeElement?.id ?? ""));
  }
  for (const id of [
    "backend-chip",
    "theme",
    "prompt",
    "generate",
    "step",
    "timeline",
    "strategy",
    "length",
    "more",
    "mode",
    "seed",
    "temperature",
    "heat",
    "model",
  ]) {
    expect([...seen]).toContain(id);
  }
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`a phone shows the page without sideways scrolling, in ${colorScheme}`, async ({
    browser,
    baseURL,
  }) => {
    const context = await browser.newContext({
      viewport: { width: 390, height: 844 },
      colorScheme,
      hasTouch: true,
      isMobile: true,
      ...(baseURL === undefined ? {} : { baseURL }),
    });
    const page = await context.newPage();
    const demo = await openDemo(page);
    const overflow = (): Promise<number> =>
      page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(await overflow()).toBeLessThanOrEqual(0);
    await demo.run(STORY, 16);
    expect(await overflow()).toBeLessThanOrEqual(0);
    for (const target of [demo.generate, demo.stop, demo.step, demo.fill]) {
      expect((await target.boundingBox())?.height).toBeGreaterThanOrEqual(44);
    }
    await context.close();
  });
}
