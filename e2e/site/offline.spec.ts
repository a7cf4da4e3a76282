import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, expect, type Page } from "@playwright/test";
import { findChromium } from "../../scripts/chromium.mjs";
import { complaints } from "../support/a11y.ts";
import { openDemo, STORY } from "../support/demo-page.ts";
import { headersFile } from "../support/host-headers.ts";
import { openStaticHost } from "../support/static-host.ts";
import { test } from "../support/strict-test.ts";

test.use({ serviceWorkers: "allow" });

/** The page says so once its shell, the runtime and the model are in this browser. */
async function waitForKept(page: Page): Promise<void> {
  await expect(page.getByText("works without a network")).toBeVisible({ timeout: 90_000 });
}

/** What a page that was loaded again no longer has. */
const mark = (page: Page): Promise<void> =>
  page.evaluate(() => void Object.assign(globalThis, { marked: true }));
const isMarked = (page: Page): Promise<boolean> => page.evaluate(() => "marked" in globalThis);
const isIsolated = (page: Page): Promise<boolean> =>
  page.evaluate(() => crossOriginIsolated).catch(() => false);

/** Addresses of everything that the service worker keeps. */
const keptAddresses = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const stores = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
    const requests = await Promise.all(stores.map((store) => store.keys()));
    return requests.flat().map(({ url }) => url);
  });

/** The worker is there, and what the page does about it is done. */
async function settle(page: Page): Promise<void> {
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined)).catch(() => undefined);
  await page.waitForTimeout(1000);
}

test("below a path of a host without headers: isolated and kept on the first visit, then without a network", async ({
  page,
  context,
}) => {
  test.setTimeout(240_000);
  await using host = await openStaticHost();
  const { site } = host;
  const first = await openDemo(page, `${site}?backend=wasm`);
  await expect.poll(() => isIsolated(page), { timeout: 60_000 }).toBe(true);
  await first.run(STORY, 8);
  await expect(page.locator("#backend-chip")).toContainText(/WASM x([2-9]|\d\d)/);
  const text = await first.text();
  await waitForKept(page);
  // Weights are none of the service worker's business: they are verified, resumed and deleted elsewhere.
  const kept = await keptAddresses(page);
  expect(kept.filter((url) => url.includes("/models/"))).toEqual([`${site}models/default/unmask.json`]);
  expect(kept.filter((url) => url.endsWith(".wasm"))).toHaveLength(1);
  // The network is really gone, and so is the server.
  await host.shut();
  await context.setOffline(true);
  const again = await openDemo(page, `${site}?backend=wasm`);
  expect(await isIsolated(page)).toBe(true);
  await again.run(STORY, 8);
  expect(await again.text()).toBe(text);
  expect(await complaints(page)).toEqual([]);
});

test("installing the app fetches the model, and offline it writes; under the header policy of `_headers`", async ({
  page,
  context,
}) => {
  test.setTimeout(240_000);
  await using host = await openStaticHost("", await headersFile());
  const fetched: string[] = [];
  page.on("request", (request) => fetched.push(request.url()));
  const first = await openDemo(page, `${host.site}?backend=wasm`);
  expect(await isIsolated(page)).toBe(true);
  expect(fetched.filter((url) => /models\/|\.wasm/.test(url))).toEqual([]);
  await page.evaluate(() => dispatchEvent(new Event("appinstalled")));
  await expect(first.status).toContainText(/^ready: .+ is loaded/, { timeout: 90_000 });
  await waitForKept(page);
  await host.shut();
  await context.setOffline(true);
  const again = await openDemo(page, `${host.site}?backend=wasm`);
  await again.run(STORY, 8);
});

test("on a metered connection an installed app fetches nothing by itself", async ({ page }) => {
  await page.addInitScript(() => {
    Object.defineProperty(navigator, "connection", { value: { saveData: true } });
  });
  const fetched: string[] = [];
  page.on("request", (request) => fetched.push(request.url()));
  const demo = await openDemo(page);
  await page.evaluate(() => dispatchEvent(new Event("appinstalled")));
  await settle(page);
  await expect(demo.status).toHaveText("ready");
  expect(fetched.filter((url) => /models\/|\.wasm/.test(url))).toEqual([]);
});

test("a page that was touched is not loaded again, and says that it has one thread", async ({ page }) => {
  await using host = await openStaticHost();
  const demo = await openDemo(page, `${host.site}?backend=wasm`);
  await mark(page);
  await demo.prompt.pressSequentially("Once");
  await settle(page);
  expect(await isMarked(page)).toBe(true);
  await demo.run(STORY, 8);
  await expect(demo.status).toContainText("on one thread");
});

test("where the worker cannot isolate the page, it is loaded again once and then left alone", async ({
  page,
}) => {
  await page.addInitScript(() => {
    Object.defineProperty(globalThis, "crossOriginIsolated", { value: false });
    Object.defineProperty(ServiceWorkerContainer.prototype, "controller", { get: () => null });
  });
  await using host = await openStaticHost();
  let loads = 0;
  page.on("load", () => {
    loads += 1;
  });
  await openDemo(page, `${host.site}?backend=wasm`);
  await expect.poll(() => loads).toBe(2);
  await settle(page);
  expect(loads).toBe(2);
});

test("in a frame of another page it is never loaded again, and writes on one thread", async ({ page }) => {
  await using host = await openStaticHost();
  // A real server: a page that is only made up counts as public, and may not reach this machine's own addresses.
  const outside = createServer((_, response) => {
    response.writeHead(200, { "Content-Type": "text/html" });
    response.end(`<!doctype html><title>outside</title><iframe src="${host.site}?backend=wasm"></iframe>`);
  });
  await new Promise<void>((done) => outside.listen(0, "127.0.0.1", done));
  page.on("close", () => outside.close());
  await page.goto(`http://localhost:${(outside.address() as AddressInfo).port}/`);
  const frame = page.frameLocator("iframe");
  await expect(frame.getByRole("button", { name: "Generate" })).toBeEnabled();
  const inner = page.frames()[1]!;
  await inner.evaluate(() => void Object.assign(globalThis, { marked: true }));
  await page.waitForTimeout(2000);
  expect(await inner.evaluate(() => "marked" in globalThis)).toBe(true);
  await frame.getByRole("textbox", { name: "Prompt" }).fill(STORY);
  await frame.getByRole("spinbutton", { name: "Length" }).fill("8");
  await frame.getByRole("button", { name: "Generate" }).click();
  await expect(frame.getByRole("status")).toContainText(/^done.+on one thread/, { timeout: 90_000 });
});

test("where the service worker is refused, everything works on one thread", async ({ page }) => {
  await page.addInitScript(() => {
    ServiceWorkerContainer.prototype.register = () =>
      Promise.reject(new DOMException("refused", "SecurityError"));
  });
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  await using host = await openStaticHost();
  const demo = await openDemo(page, `${host.site}?backend=wasm`);
  await demo.run(STORY, 8);
  await expect(demo.status).toContainText("on one thread");
  expect(problems).toEqual([]);
});

test("the app can be installed, opens recordings and takes shared text", async () => {
  const profile = await mkdtemp(join(tmpdir(), "unmask-profile-"));
  const executablePath = findChromium();
  // A window without a profile cannot install anything.
  const context = await chromium.launchPersistentContext(profile, {
    channel: "chromium",
    args: ["--no-sandbox"],
    ...(executablePath === undefined ? {} : { executablePath }),
  });
  try {
    await using host = await openStaticHost("x/y", await headersFile());
    const page = await context.newPage();
    await openDemo(page, host.site);
    const session = await context.newCDPSession(page);
    const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
    expect(installabilityErrors).toEqual([]);
    const { errors, data } = await session.send("Page.getAppManifest");
    expect(errors).toEqual([]);
    const manifest = JSON.parse(data ?? "") as Record<string, unknown>;
    expect(manifest["file_handlers"]).toMatchObject([
      { accept: { "application/json": [".unmask.json", ".json"] } },
    ]);
    expect(manifest["share_target"]).toMatchObject({ method: "GET", params: { text: "text" } });
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
});

test("shared text becomes the prompt, and nothing is loaded for it", async ({ page }) => {
  const fetched: string[] = [];
  page.on("request", (request) => fetched.push(request.url()));
  const demo = await openDemo(page, "?title=A%20fox&text=Once%20%3Cb%3E");
  await expect(demo.prompt).toHaveValue("A fox\nOnce <b>");
  expect(fetched.filter((url) => /models\/|\.wasm/.test(url))).toEqual([]);
});
