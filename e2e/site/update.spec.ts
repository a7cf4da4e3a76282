import { expect, type Page } from "@playwright/test";
import { type DemoPage, openDemo, STORY } from "../support/demo-page.ts";
import { headersFile } from "../support/host-headers.ts";
import { openStaticHost, type StaticHost } from "../support/static-host.ts";
import { test } from "../support/strict-test.ts";

test.use({ serviceWorkers: "allow" });

const updateOf = (page: Page) => page.getByRole("button", { name: "Update" });
/** Looks for a new version, as the browser does by itself now and then. */
const check = (page: Page): Promise<void> =>
  page.evaluate(() => navigator.serviceWorker.ready.then(async (site) => void (await site.update())));

/** A second visit: the page is served by the service worker. */
async function visit(page: Page, host: StaticHost): Promise<DemoPage> {
  await openDemo(page, `${host.site}?backend=wasm`);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  const demo = await openDemo(page, `${host.site}?backend=wasm`);
  expect(await page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  return demo;
}

/** A run that goes on until it is let go. */
async function hold(demo: DemoPage): Promise<void> {
  await demo.prompt.fill(STORY);
  await demo.setLength(12);
  await demo.step.click();
  await expect(demo.status).toContainText("held", { timeout: 90_000 });
}

test("a new version that comes while a text is written waits for its end and for the user", async ({
  page,
}) => {
  test.setTimeout(240_000);
  await using host = await openStaticHost("x/y", await headersFile());
  const demo = await visit(page, host);
  await demo.prompt.fill(STORY);
  await demo.setLength(256);
  await demo.generate.click();
  await expect(demo.status).toContainText("generating", { timeout: 90_000 });
  await host.release("Unmask, the second");
  await check(page);
  await expect(updateOf(page)).toBeVisible({ timeout: 60_000 });
  // It came while the text was being written, and the text goes on.
  await expect(demo.status).toContainText("generating");
  await expect(updateOf(page)).toBeDisabled();
  const before = Number(await page.locator("#figure-step").textContent());
  await expect
    .poll(async () => Number(await page.locator("#figure-step").textContent()))
    .toBeGreaterThan(before);
  await demo.stop.click();
  await expect(demo.status).toContainText("done");
  await expect(page).toHaveTitle("Unmask");

  await updateOf(page).click();
  await expect(page).toHaveTitle("Unmask, the second");
  await expect(updateOf(page)).toBeHidden();
  await demo.run(STORY, 8);
});

test("an update in one tab leaves the other one alone, which is offered it as well", async ({
  page,
  context,
}) => {
  test.setTimeout(240_000);
  await using host = await openStaticHost("x/y", await headersFile());
  const first = await visit(page, host);
  const secondPage = await context.newPage();
  const second = await openDemo(secondPage, `${host.site}?backend=wasm`);
  await hold(second);
  await host.release("Unmask, the second");
  await check(page);
  await updateOf(page).click();
  await expect(page).toHaveTitle("Unmask, the second");
  await expect(first.generate).toBeEnabled();

  // The other tab was in the middle of a text: it has not lost it, and ends it.
  await expect(secondPage).toHaveTitle("Unmask");
  await expect(updateOf(secondPage)).toBeDisabled();
  await second.generate.click();
  await expect(second.status).toContainText("done", { timeout: 90_000 });
  await updateOf(secondPage).click();
  await expect(secondPage).toHaveTitle("Unmask, the second");
});
