import { expect, test } from "@playwright/test";
import { openDemo, STORY } from "./demo-page.ts";
import { openStaticHost } from "./static-host.ts";

test("the built site works below a path of a plain static host", async ({ page }) => {
  await using host = await openStaticHost();
  const { site } = host;
  const strays: string[] = [];
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(site)) strays.push(request.url());
  });
  page.on("response", (response) => {
    if (response.status() >= 400) strays.push(`${response.status()} ${response.url()}`);
  });
  const demo = await openDemo(page, `${site}?backend=wasm`);
  await demo.run(STORY, 8);
  expect(strays).toEqual([]);
  await expect(page.locator("#backend-chip")).toContainText("WASM x1");
  await page.locator("#backend-chip").click();
  await expect(page.locator("#backend-reason")).toContainText("not cross-origin isolated");
});
