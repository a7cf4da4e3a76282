import { expect } from "@playwright/test";
import { openDemo, STORY } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";

test("the embedded model writes on WebGPU", async ({ page }) => {
  // Chromium's software adapter computes on two CPU cores: the numbers are those of a GPU, the speed is not.
  test.setTimeout(300_000);
  const demo = await openDemo(page, "?backend=webgpu&software=1");
  await demo.prompt.fill(STORY);
  await demo.setLength(8);
  await demo.generate.click();
  await expect(demo.status).toContainText("done", { timeout: 280_000 });
  await expect(page.locator("#backend-chip")).toContainText("WebGPU");
  const text = await demo.text();
  expect(text.startsWith(STORY)).toBe(true);
  expect(text).not.toContain("…");
  await expect(demo.problem).toBeHidden();
});
