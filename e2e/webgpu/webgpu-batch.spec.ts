import { expect } from "@playwright/test";
import { openModule } from "../support/page-module.ts";
import { SLOW, test } from "../support/strict-test.ts";
import { type ToyModels, toyModels } from "./toy-models.ts";

declare const subject: typeof import("../pages/batch.ts");

/** Several canvases in one run on WebGPU: a toy model, because Chromium's software adapter computes on CPU cores. */
let toys: ToyModels;
test.beforeAll(async () => {
  toys = await toyModels();
});
test.afterAll(() => toys[Symbol.asyncDispose]());

for (const model of ["full", "blocks"] as const) {
  test(`${model} attention: canvases in one run on the GPU answer what they answer alone`, {
    tag: SLOW,
  }, async ({ page }) => {
    test.setTimeout(300_000);
    await toys.route(page, model);
    await openModule(page, "pages/batch.ts");
    const report = await page.evaluate(() =>
      subject.compareBatched(
        new URL("models/toy/", document.baseURI).href,
        new URL("ort/", document.baseURI).href,
      ),
    );
    for (const difference of report.differences) expect(difference).toBeLessThan(1e-4);
    expect(report.batches.filter((batch) => batch !== undefined)).toEqual(
      [3, 2, 2, 2, 3, 3, 3].map((canvases) => ({ canvases, runs: 1 })),
    );
    expect(report.buffersLeft).toBe(0);
    expect(report.buffersMadeLate).toBe(0);
  });
}
