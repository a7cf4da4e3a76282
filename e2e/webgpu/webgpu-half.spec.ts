import { expect } from "@playwright/test";
import type { Opened } from "../pages/half.ts";
import { openModule } from "../support/page-module.ts";
import { test } from "../support/strict-test.ts";
import { type TinyBundle, tinyBundle } from "../support/tiny-bundle.ts";

declare const subject: typeof import("../pages/half.ts");

let bundle: TinyBundle;
test.beforeAll(async () => {
  bundle = await tinyBundle(["q4", "q4f16"]);
});
test.afterAll(() => bundle[Symbol.asyncDispose]());
test.beforeEach(async ({ page }) => {
  test.setTimeout(300_000);
  await bundle.route(page);
  await openModule(page, "pages/half.ts");
});

/** A page cannot write to OPFS as a worker does, and says so. */
const codesOf = ({ warnings }: Opened) =>
  warnings.map(({ code }) => code).filter((code) => code !== "storage-failed");

test("an adapter that only claims f16 gets the exact graph", async ({ page }) => {
  await page.evaluate(() => subject.pretendHalf());
  const opened = await page.evaluate(() => subject.openTiny());
  expect(opened.variant).toBe("q4");
  expect(codesOf(opened)).toEqual(["f16-refused"]);
  expect(opened.maxError).toBeLessThan(opened.tolerance);
});

test("an adapter with shader-f16 computes in it, another in f32", async ({ page }) => {
  const hasHalf = await page.evaluate(() => subject.hasHalf());
  const opened = await page.evaluate(() => subject.openTiny());
  expect(codesOf(opened)).toEqual([]);
  expect(opened.variant).toBe(hasHalf ? "q4f16" : "q4");
  test.skip(!hasHalf, "this adapter has no shader-f16: the f16 graph itself was only run on WASM");
  const exact = await page.evaluate(() => subject.openTiny("q4"));
  expect(opened.maxError).toBeLessThan(opened.tolerance);
  const same = opened.ids.filter((id, row) => id === exact.ids[row]).length;
  expect(same / opened.ids.length).toBeGreaterThanOrEqual(0.9);
});
