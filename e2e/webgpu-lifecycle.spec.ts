import { expect, test } from "@playwright/test";
import { openModule } from "./page-module.ts";
import { type TinyBundle, tinyBundle } from "./tiny-bundle.ts";

declare const subject: typeof import("./pages/lifecycle.ts");

let bundle: TinyBundle;
test.beforeAll(async () => {
  bundle = await tinyBundle(["q4"]);
});
test.afterAll(() => bundle[Symbol.asyncDispose]());
test.beforeEach(async ({ page }) => {
  test.setTimeout(300_000);
  await bundle.route(page);
  await openModule(page, "pages/lifecycle.ts");
  await page.evaluate(() => subject.countGpuObjects());
});

test("a closed model leaves no device and no buffer, and a run leaves none behind", async ({ page }) => {
  const seen = await page.evaluate(() => subject.openAndClose(3));
  for (let n = 0; n < seen.length; n += 3) {
    const [once, twice, closed] = seen.slice(n, n + 3);
    expect(once!.devices).toBe(1);
    expect(once!.buffers).toBeGreaterThan(5);
    expect(twice).toEqual(once);
    expect(closed).toEqual({ devices: 0, buffers: 0 });
  }
});
