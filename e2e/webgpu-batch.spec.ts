import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "@playwright/test";
import { convertCheckpoint } from "../src/convert/convert.ts";
import { nodeFolder } from "../src/convert/node-folder.ts";
import { nodeTarget } from "../src/convert/node-target.ts";
import { openModule } from "./page-module.ts";
import { test } from "./strict-test.ts";

declare const subject: typeof import("./pages/batch.ts");

/** Several canvases in one run on WebGPU: a toy model, because Chromium's software adapter computes on CPU cores. */
const CHECKPOINT = fileURLToPath(new URL("../src/convert/fixtures/a2d-qwen3-mdlm", import.meta.url));
let scratch = "";
test.beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-batch-"));
  for (const [name, profile] of [
    ["full", {}],
    ["blocks", { profile: "bd3lm" }],
  ] as const) {
    const options = { dtypes: ["q4"], name, warn: () => {}, progress: () => {}, ...profile } as const;
    await convertCheckpoint(nodeFolder(CHECKPOINT), () => nodeTarget(join(scratch, name)), options);
  }
});
test.afterAll(() => rm(scratch, { recursive: true, force: true }));

for (const model of ["full", "blocks"]) {
  test(`${model} attention: canvases in one run on the GPU answer what they answer alone`, async ({
    page,
  }) => {
    test.setTimeout(300_000);
    await page.route("**/models/toy/**", async (route) => {
      const path = new URL(route.request().url()).pathname.split("/models/toy/")[1]!;
      await route.fulfill({ body: await readFile(join(scratch, model, path)) });
    });
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
