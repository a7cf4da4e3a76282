import { expect } from "@playwright/test";
import { openDemo, STORY } from "../support/demo-page.ts";
import { type HeadersOf, headersFile, pagesHeaders, spaceHeaders } from "../support/host-headers.ts";
import { openStaticHost } from "../support/static-host.ts";
import { test } from "../support/strict-test.ts";

/** Service workers are blocked here: the hosts alone decide. */
const HOSTS: readonly (readonly [
  name: string,
  path: string,
  headers: () => Promise<HeadersOf>,
  isolated: boolean,
])[] = [
  ["a plain host, at its root", "", async () => () => ({}), false],
  ["a plain host, below a path", "x/y", async () => () => ({}), false],
  ["a host that reads `_headers`, at its root", "", headersFile, true],
  ["a host that reads `_headers`, below a path", "x/y", headersFile, true],
  ["a Hugging Face static Space", "", spaceHeaders, true],
  ["GitHub Pages", "unmask", async () => pagesHeaders, false],
];

for (const [name, path, headers, isolated] of HOSTS) {
  test(`the built site works on ${name}`, async ({ page }) => {
    await using host = await openStaticHost(path, await headers());
    const { site } = host;
    const strays: string[] = [];
    page.on("request", (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(site)) strays.push(request.url());
    });
    page.on("response", (response) => {
      if (response.status() >= 400) strays.push(`${response.status()} ${response.url()}`);
    });
    const demo = await openDemo(page, `${site}?backend=wasm`);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(isolated);
    await demo.run(STORY, 8);
    expect(strays).toEqual([]);
    const chip = page.locator("#backend-chip");
    if (isolated) {
      await expect(chip).toContainText(/WASM x([2-9]|\d\d)/);
      await expect(demo.status).not.toContainText("one thread");
    } else {
      await expect(chip).toContainText("WASM x1");
      await expect(demo.status).toContainText("on one thread");
      await chip.click();
      await expect(page.locator("#backend-reason")).toContainText("not cross-origin isolated");
    }
  });
}

test("the address without its last slash leads to the page, and unknown ones to nothing", async ({
  page,
}) => {
  await using host = await openStaticHost("unmask", pagesHeaders);
  await openDemo(page, host.site.slice(0, -1));
  expect(page.url()).toBe(host.site);
  expect((await page.request.get(`${host.site}nothing`)).status()).toBe(404);
});
