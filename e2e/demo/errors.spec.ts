import { createHash } from "node:crypto";
import { expect, type Page } from "@playwright/test";
import { type DemoPage, openDemo, STORY } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";

const BUNDLE = "**/models/default/";

interface FileEntry {
  path: string;
  bytes: number;
  sha256: string;
  chunkBytes: number;
  chunks: string[];
}
interface BundleManifest {
  schema: number;
  variants: Record<string, { graph: string; data: string[]; from?: string }>;
  files: FileEntry[];
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function changeManifest(
  page: Page,
  change: (manifest: BundleManifest) => void | Promise<void>,
): Promise<void> {
  await page.route(`${BUNDLE}unmask.json`, async (route) => {
    const manifest: BundleManifest = await (await route.fetch()).json();
    await change(manifest);
    await route.fulfill({ json: manifest });
  });
}

/** The page names the code, says it in a sentence, offers a way out, and afterwards the right request works. */
async function expectFailure(demo: DemoPage, code: string, sentence: RegExp): Promise<void> {
  await demo.prompt.fill(STORY);
  await demo.setLength(8);
  await demo.generate.click();
  await expect(demo.problem).toContainText(code);
  await expect(demo.problem).toContainText(sentence);
  await expect(demo.status).toContainText("error");
  await demo.page.unrouteAll({ behavior: "wait" });
  await demo.run(STORY, 8);
  await expect(demo.problem).toBeHidden();
}

test.describe("a bundle that cannot be trusted", () => {
  test("of an unknown schema version is refused by name", async ({ page }) => {
    const demo = await openDemo(page);
    await changeManifest(page, (manifest) => {
      manifest.schema = 99;
    });
    await expectFailure(demo, "manifest-version", /version 99/);
  });

  test("without files says so", async ({ page }) => {
    const demo = await openDemo(page);
    await page.route(`${BUNDLE}**`, (route) => route.fulfill({ status: 404, body: "not found" }));
    await expectFailure(demo, "not-found", /missing/);
  });

  test("whose manifest is no JSON", async ({ page }) => {
    const demo = await openDemo(page);
    await page.route(`${BUNDLE}unmask.json`, (route) => route.fulfill({ body: "<html>login</html>" }));
    await expectFailure(demo, "manifest-invalid", /manifest/);
  });

  test("with a wrong hash", async ({ page }) => {
    const demo = await openDemo(page);
    await changeManifest(page, (manifest) => {
      for (const file of manifest.files) {
        file.sha256 = "0".repeat(64);
        file.chunks = file.chunks.map(() => "0".repeat(64));
      }
    });
    await expectFailure(demo, "checksum-mismatch", /damaged/);
  });

  test("with a truncated data file", async ({ page }) => {
    const demo = await openDemo(page);
    await page.route(`${BUNDLE}onnx/*_data*`, async (route) => {
      const body = await (await route.fetch()).body();
      await route.fulfill({
        body: body.subarray(0, body.length >> 1),
        contentType: "application/octet-stream",
      });
    });
    await expectFailure(demo, "file-truncated", /incomplete/);
  });

  test("whose graph is another one", async ({ page, request }) => {
    const demo = await openDemo(page);
    const folder = new URL("models/default/", page.url());
    const manifest: BundleManifest = await (await request.get(new URL("unmask.json", folder).href)).json();
    const [own, other] = ["int8", "q4"].map((name) => manifest.variants[name]?.graph);
    const body = await (await request.get(new URL(other!, folder).href)).body();
    await changeManifest(page, (changed) => {
      for (const file of changed.files) {
        if (file.path !== own) continue;
        const chunks: string[] = [];
        for (let at = 0; at < body.length; at += file.chunkBytes) {
          chunks.push(sha256(body.subarray(at, at + file.chunkBytes)));
        }
        Object.assign(file, { bytes: body.length, sha256: sha256(body), chunks });
      }
    });
    await page.route(`**/${own}`, (route) =>
      route.fulfill({ body, contentType: "application/octet-stream" }),
    );
    await expectFailure(demo, "graph-mismatch", /./);
  });
});

test.describe("a request that cannot run", () => {
  const cases: readonly (readonly [name: string, prompt: string, length: string, code: string])[] = [
    ["an empty prompt", "", "8", "prompt-empty"],
    ["a prompt longer than the canvas", "The fox ran to the tree. ".repeat(400), "8", "prompt-too-long"],
    ["a huge length", STORY, "1000000", "invalid-options"],
    ["a negative length", STORY, "-3", "invalid-options"],
  ];
  for (const [name, prompt, length, code] of cases) {
    test(name, async ({ page }) => {
      const demo = await openDemo(page);
      await demo.prompt.fill(prompt);
      await page.getByRole("spinbutton", { name: "Length" }).fill(length);
      await demo.generate.click();
      await expect(demo.problem).toContainText(code, { timeout: 60_000 });
      await expect(demo.status).toContainText("error");
      await demo.run(STORY, 8);
    });
  }

  test("a gap of no tokens", async ({ page }) => {
    const demo = await openDemo(page);
    await demo.prompt.fill("Lily found a [[0]].");
    await demo.fill.click();
    await expect(demo.problem).toContainText("usage", { timeout: 60_000 });
    await demo.run(STORY, 8);
  });
});

test("without WebGPU the page says so and offers the processor", async ({ page }) => {
  const demo = await openDemo(page, "?backend=webgpu");
  await demo.prompt.fill(STORY);
  await demo.setLength(8);
  await demo.generate.click();
  await expect(demo.problem).toContainText("webgpu-unavailable");
  await demo.problem.getByRole("button", { name: "Use the processor" }).click();
  await expect(demo.status).toContainText("done", { timeout: 90_000 });
  await expect(page.locator("#backend-chip")).toContainText("WASM");
});
