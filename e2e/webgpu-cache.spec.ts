import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@playwright/test";
import { build, defaultClientConditions } from "vite";
import { convertCheckpoint } from "../src/convert/convert.ts";
import { nodeFolder } from "../src/convert/node-folder.ts";
import { nodeTarget } from "../src/convert/node-target.ts";
import type { CacheReport } from "./cache-page.ts";

/** Cached forwards on WebGPU: a toy model, because Chromium's software adapter computes on CPU cores. */
const CHECKPOINT = fileURLToPath(new URL("../src/convert/fixtures/a2d-qwen3-mdlm", import.meta.url));
let scratch = "";
let script = "";

test.beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-cache-"));
  for (const [name, profile] of [
    ["full", {}],
    ["blocks", { profile: "bd3lm" }],
  ] as const) {
    const options = { dtypes: ["q4"], name, warn: () => {}, progress: () => {}, ...profile } as const;
    await convertCheckpoint(nodeFolder(CHECKPOINT), () => nodeTarget(join(scratch, name)), options);
  }
  await build({
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
    build: {
      outDir: join(scratch, "page"),
      target: "es2022",
      lib: {
        entry: fileURLToPath(new URL("./cache-page.ts", import.meta.url)),
        formats: ["es"],
        fileName: "cache-page",
      },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  script = await readFile(join(scratch, "page", "cache-page.js"), "utf8");
});
test.afterAll(() => rm(scratch, { recursive: true, force: true }));

for (const model of ["full", "blocks"]) {
  test(`${model} attention: cached rows on the GPU give the logits of a full forward on WASM`, async ({
    page,
  }) => {
    test.setTimeout(300_000);
    await page.route("**/cache-test/**", async (route) => {
      const path = new URL(route.request().url()).pathname.split("/cache-test/")[1] ?? "";
      if (path === "")
        await route.fulfill({ contentType: "text/html", body: "<!doctype html><title>cache</title>" });
      else if (path === "page.js") await route.fulfill({ contentType: "text/javascript", body: script });
      else await route.fulfill({ body: await readFile(join(scratch, path)) });
    });
    await page.goto("cache-test/");
    const report = await page.evaluate(async (name): Promise<CacheReport> => {
      const url = new URL("page.js", location.href).href;
      const { compareCached } = (await import(url)) as typeof import("./cache-page.ts");
      return compareCached(new URL(`${name}/`, location.href).href, new URL("../ort/", location.href).href);
    }, model);
    expect(report.reason).toContain("WebGPU");
    expect(report.differences.length).toBeGreaterThanOrEqual(2);
    for (const difference of report.differences) expect(difference).toBeLessThan(1e-4);
    expect(report.buffersMade).toBeGreaterThan(0);
    expect(report.buffersLeft).toBe(0);
    // Statistics alone come back: no keys, no values, no logits.
    expect(report.bytesRead).toBeLessThan(3 * 8192);
  });
}
