import { expect } from "@playwright/test";
import { openModule } from "../support/page-module.ts";
import { SLOW, test } from "../support/strict-test.ts";
import { type ToyModels, toyModels } from "./toy-models.ts";

declare const subject: typeof import("../pages/cache.ts");

/** Cached forwards on WebGPU: a toy model, because Chromium's software adapter computes on CPU cores. */
let toys: ToyModels;
test.beforeAll(async () => {
  toys = await toyModels();
});
test.afterAll(() => toys[Symbol.asyncDispose]());

for (const model of ["full", "blocks"] as const) {
  test(
    `${model} attention: cached rows on the GPU give the logits of a full forward on WASM`,
    model === "blocks" ? { tag: SLOW } : {},
    async ({ page }) => {
      test.setTimeout(300_000);
      await toys.route(page, model);
      await openModule(page, "pages/cache.ts");
      const report = await page.evaluate(() =>
        subject.compareCached(
          new URL("models/toy/", document.baseURI).href,
          new URL("ort/", document.baseURI).href,
        ),
      );
      expect(report.reason).toContain("WebGPU");
      expect(report.differences.length).toBeGreaterThanOrEqual(2);
      for (const difference of report.differences) expect(difference).toBeLessThan(1e-4);
      expect(report.buffersMade).toBeGreaterThan(0);
      expect(report.buffersLeft).toBe(0);
      expect(report.buffersMadeLate).toBe(0);
      // Statistics alone come back: no keys, no values, no logits.
      expect(report.bytesRead).toBeLessThan(3 * 8192);
    },
  );
}
