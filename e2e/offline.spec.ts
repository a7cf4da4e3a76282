import { expect, type Page, test } from "@playwright/test";
import { openDemo, STORY } from "./demo-page.ts";
import { openStaticHost } from "./static-host.ts";

test.use({ serviceWorkers: "allow" });

/** What the service worker was asked to keep has arrived. */
async function waitForKept(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    const kept = async () => {
      const names = await caches.keys();
      const urls = await Promise.all(
        names.map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => url)),
      );
      return urls.flat();
    };
    const wanted = ["unmask.json", "ort-wasm-simd-threaded.wasm", "ort-wasm-simd-threaded.mjs", "index.html"];
    for (let tries = 0; tries < 300; tries++) {
      const urls = await kept();
      if (wanted.every((name) => urls.some((url) => url.includes(name)))) return;
      await new Promise((done) => setTimeout(done, 200));
    }
    throw new Error(`kept only ${(await kept()).join(", ")}`);
  });
}

test("below a path of a host without headers: offline after one visit, and isolated by then", async ({
  page,
  context,
}) => {
  test.setTimeout(180_000);
  await using host = await openStaticHost();
  const { site } = host;
  const first = await openDemo(page, `${site}?backend=wasm`);
  await first.run(STORY, 8);
  const text = await first.text();
  await waitForKept(page);
  // The network is really gone, and so is the server.
  await host.shut();
  await context.setOffline(true);
  const again = await openDemo(page, `${site}?backend=wasm`);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  await again.run(STORY, 8);
  expect(await again.text()).toBe(text);
  await expect(page.locator("#backend-chip")).toContainText(/WASM x([2-9]|\d\d)/);
});

test("the app can be installed", async ({ page, context }) => {
  await openDemo(page);
  const session = await context.newCDPSession(page);
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  // A window without a profile cannot install anything; everything else must be in order.
  expect(installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito")).toEqual([]);
});

test("shared text becomes the prompt, and nothing is loaded for it", async ({ page }) => {
  const fetched: string[] = [];
  page.on("request", (request) => fetched.push(request.url()));
  const demo = await openDemo(page, "?title=A%20fox&text=Once%20%3Cb%3E");
  await expect(demo.prompt).toHaveValue("A fox\nOnce <b>");
  expect(fetched.filter((url) => /models\/|\.wasm/.test(url))).toEqual([]);
});
