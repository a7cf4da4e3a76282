import { expect } from "@playwright/test";
import { openDemo } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";
import { tinyBundle } from "../support/tiny-bundle.ts";

test("zero points and mixed widths are computed rightly on WebGPU: the golden forward says so", async ({
  page,
}) => {
  test.setTimeout(300_000);
  await using bundle = await tinyBundle(["q4"], ["asymmetric", "mixed"]);
  await bundle.route(page);
  const demo = await openDemo(page, "?backend=webgpu&software=1&model=models/tiny");
  await page.getByRole("button", { name: "Load", exact: true }).click();
  await expect(demo.status).toContainText("is loaded", { timeout: 250_000 });
  await expect(page.locator("#backend-chip")).toContainText("WebGPU");
});
