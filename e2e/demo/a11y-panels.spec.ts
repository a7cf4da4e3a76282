import { expect, type Page } from "@playwright/test";
import { openOwnForm, TINY } from "../models/own-hub.ts";
import { complaints, liveRegions, smallTargets } from "../support/a11y.ts";
import { type DemoPage, openDemo } from "../support/demo-page.ts";
import { openOwnPage } from "../support/own-page.ts";
import { SLOW, test } from "../support/strict-test.ts";
import { type TinyBundle, tinyBundle } from "../support/tiny-bundle.ts";
import { commit, recordingFile, step, traceOf } from "../support/written-trace.ts";

/** The states of page and element that stand beside writing: panels, dialogs, recordings, no network. */
let bundle: TinyBundle;
test.beforeAll(async () => {
  bundle = await tinyBundle(["q4", "int8"]);
});
test.afterAll(() => bundle[Symbol.asyncDispose]());

const DOUBTFUL = traceOf({ 1: "Hi", 2: " sure", 3: " doubtful" }, 4, [
  step(1, 2, { commits: [commit(1, 2, 0.99)] }),
  step(2, 1, { commits: [commit(2, 3, 0.05)] }),
]);

/** The page with everything open that can be open: more, backend, own model, stored models. */
async function openAll(page: Page, url = ""): Promise<DemoPage> {
  await bundle.route(page);
  const demo = await openDemo(page, `${url}?backend=wasm&model=models/tiny`);
  await page.getByRole("button", { name: "Load", exact: true }).click();
  await expect(demo.status).toContainText("is loaded", { timeout: 60_000 });
  await page.getByRole("button", { name: "More" }).click();
  await page.locator("#backend-chip").click();
  await page.getByRole("button", { name: "Stored models" }).click();
  await expect(page.getByRole("button", { name: "Verify tiny" })).toBeVisible();
  const form = await openOwnForm(page);
  await form.choose(TINY);
  await expect(form.convert).toBeVisible();
  return demo;
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing on open panels, the model's card and a recording, ${colorScheme}`, {
    tag: SLOW,
  }, async ({ page }) => {
    test.setTimeout(180_000);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const demo = await openAll(page);
    expect(await complaints(page)).toEqual([]);
    await page.locator("#recording-file").setInputFiles(recordingFile(JSON.stringify(DOUBTFUL)));
    await expect(demo.status).toContainText("done: a recording");
    expect(await complaints(page)).toEqual([]);
    await page.locator("#recording-file").setInputFiles(recordingFile("{"));
    await expect(demo.problem).toBeVisible();
    expect(await complaints(page)).toEqual([]);
    await page.getByRole("button", { name: "About the embedded model" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    expect(await complaints(page)).toEqual([]);
  });

  test(`axe finds nothing on an element without controls, held, and done with a tint, ${colorScheme}`, {
    tag: SLOW,
  }, async ({ page }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await bundle.route(page);
    await openOwnPage(page, `<unmask-text model="models/tiny" prompt="a b"></unmask-text>`);
    const sheet = page.locator("unmask-text");
    await expect(sheet.locator("slot")).toHaveText("a b");
    expect(await complaints(page)).toEqual([]);
    await sheet.evaluate((element: HTMLElement & { step(options: object): Promise<unknown> }) => {
      element.setAttribute("controls", "");
      void element.step({ maxNewTokens: 6, recipe: { preset: "llada" } });
    });
    await expect(sheet.getByRole("button", { name: "Go on" })).toBeVisible({ timeout: 60_000 });
    expect(await complaints(page)).toEqual([]);
    await sheet.getByRole("button", { name: "Go on" }).click();
    await expect(sheet.getByRole("status")).toHaveText(/^done/, { timeout: 60_000 });
    await sheet.evaluate((element) => element.setAttribute("heat", ""));
    expect(await complaints(page)).toEqual([]);
    expect(await liveRegions(page)).toEqual(["message"]);
  });
}

test("one live region tells of everything: the problem, the panel of models, a model of one's own", {
  tag: SLOW,
}, async ({ page }) => {
  const demo = await openAll(page);
  expect(await liveRegions(page)).toEqual(["status"]);
  await page.getByRole("button", { name: "Verify tiny" }).click();
  await expect(demo.status).toHaveText(/^a2d-qwen3-mdlm\. All \d+\.\d MB are right\.$/);
  await page.locator("#recording-file").setInputFiles(recordingFile("{"));
  await expect(demo.status).toHaveText(
    /^error: trace-invalid\. .*it is no JSON\. Open a \.unmask\.json file/,
  );
  expect(await liveRegions(page)).toEqual(["status"]);
  const form = page.locator("#own-name");
  await form.fill("two words");
  await form.press("Enter");
  await expect(demo.status).toHaveText(/^error: not-found\. .*neither owner\/name nor an address/);
});

test("fingers find everything on the page, with every panel open", { tag: SLOW }, async ({
  browser,
  baseURL,
}) => {
  test.setTimeout(180_000);
  const context = await browser.newContext({
    viewport: { width: 360, height: 740 },
    hasTouch: true,
    isMobile: true,
    serviceWorkers: "block",
  });
  const page = await context.newPage();
  const demo = await openAll(page, baseURL);
  await page.locator("#update").evaluate((button: HTMLElement) => {
    button.hidden = false;
  });
  expect(await smallTargets(page)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  const cut = await page
    .locator(".row button:visible")
    .evaluateAll((nodes) =>
      nodes.filter((node) => node.scrollWidth > node.clientWidth).map((node) => node.textContent),
    );
  expect(cut).toEqual([]);
  await page.getByRole("button", { name: "Delete tiny" }).click();
  await page.locator("#recording-file").setInputFiles(recordingFile("{"));
  await expect(demo.problem).toBeVisible();
  await demo.setLength(100_000);
  await demo.generate.click();
  await expect(demo.problem.getByRole("button")).toBeVisible();
  expect(await smallTargets(page)).toEqual([]);
  await page.getByRole("button", { name: "About the embedded model" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  expect(await smallTargets(page)).toEqual([]);
  await context.close();
});

test("with less motion asked for, the page moves nothing while it plays or writes", { tag: SLOW }, async ({
  page,
}) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await bundle.route(page);
  const demo = await openDemo(page, "?backend=wasm&model=models/tiny");
  const sheet = page.locator("unmask-text");
  await expect(sheet.locator(".word").first()).toBeVisible();
  await expect(sheet).toHaveJSProperty("state.playing", false);
  const counted = await page.evaluateHandle(() => {
    const seen: number[] = [];
    const element = document.querySelector("unmask-text")!;
    element.addEventListener("unmask-draw", () => {
      seen.push(document.getAnimations().length + element.shadowRoot!.getAnimations().length);
    });
    return seen;
  });
  // Long enough to be drawn more than a few times, however quick the steps are.
  await demo.run("a b", 60);
  const seen = await counted.jsonValue();
  expect(seen.length).toBeGreaterThan(5);
  expect(Math.max(...seen)).toBe(0);
});
