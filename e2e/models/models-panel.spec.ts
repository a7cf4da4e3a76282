import AxeBuilder from "@axe-core/playwright";
import { expect, type Locator, type Page } from "@playwright/test";
import { type DemoPage, openDemo } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";
import { type TinyBundle, tinyBundle } from "../support/tiny-bundle.ts";

let bundle: TinyBundle;
test.beforeAll(async () => {
  bundle = await tinyBundle(["q4"]);
});
test.afterAll(() => bundle[Symbol.asyncDispose]());

/** The demo with the tiny model loaded and the panel open. */
async function openPanel(page: Page, query = ""): Promise<{ demo: DemoPage; panel: Locator }> {
  await bundle.route(page);
  const demo = await openDemo(page, `${query}?backend=wasm&model=models/tiny`);
  await load(demo);
  await page.getByRole("button", { name: "Stored models" }).click();
  const panel = page.getByRole("region", { name: "Stored models" });
  await expect(panel.getByRole("listitem")).toHaveCount(1);
  return { demo, panel };
}

async function load({ page, status }: DemoPage): Promise<void> {
  await page.getByRole("button", { name: "Load", exact: true }).click();
  await expect(status).toContainText("is loaded", { timeout: 60_000 });
}

/** Flips a byte of the largest stored file. */
async function damage(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("unmask-files");
    const files: FileSystemFileHandle[] = [];
    for await (const handle of folder.values()) files.push(handle as FileSystemFileHandle);
    const sizes = await Promise.all(files.map(async (handle) => (await handle.getFile()).size));
    const largest = files[sizes.indexOf(Math.max(...sizes))]!;
    const bytes = new Uint8Array(await (await largest.getFile()).arrayBuffer());
    bytes[bytes.length >> 1]! ^= 1;
    const writable = await largest.createWritable();
    await writable.write(bytes);
    await writable.close();
  });
}

test("a damaged model is found by verifying and healed by the next load", async ({ page }) => {
  const { demo, panel } = await openPanel(page);
  await panel.getByRole("button", { name: "Verify tiny" }).click();
  await expect(panel).toContainText(/All \d+\.\d MB are right/);
  await damage(page);
  await panel.getByRole("button", { name: "Verify tiny" }).click();
  await expect(panel).toContainText(
    "model_q4.onnx_data was damaged and is removed. The next load fetches it again.",
  );
  await page.reload();
  await load(demo);
  await page.getByRole("button", { name: "Stored models" }).click();
  await panel.getByRole("button", { name: "Verify tiny" }).click();
  await expect(panel).toContainText(/All \d+\.\d MB are right/);
});

test("a model is exported, deleted after a question, imported, and runs from this browser alone", async ({
  page,
}) => {
  const { demo, panel } = await openPanel(page);
  const saving = page.waitForEvent("download");
  await panel.getByRole("button", { name: "Export tiny" }).click();
  const saved = await saving;
  expect(saved.suggestedFilename()).toBe("tiny.unmask.tar");
  const archive = await saved.path();

  await panel.getByRole("button", { name: "Delete tiny" }).click();
  const sure = panel.getByRole("button", { name: "Delete tiny for good" });
  await expect(sure).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(panel.getByRole("button", { name: "Delete tiny", exact: true })).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await expect(panel).toContainText("tiny is deleted");
  await expect(panel.getByRole("listitem")).toHaveCount(0);
  await expect(panel.getByRole("button", { name: "Import" })).toBeFocused();

  await page.getByLabel("Model to import").setInputFiles(archive);
  await expect(panel).toContainText("tiny is imported, every hash is right");
  await expect(panel.getByRole("listitem")).toContainText("only here");
  await page.unroute("**/models/tiny/**");
  await panel.getByRole("button", { name: "Use tiny" }).click();
  await expect(page.getByRole("combobox", { name: "Model" })).toHaveValue(/^opfs:/);
  await load(demo);
  await demo.run("Once upon a time", 8);
});

test("a model whose modes are not known yet writes without being loaded first", async ({ page }) => {
  await bundle.route(page);
  const demo = await openDemo(page, "?backend=wasm&model=models/tiny");
  await demo.run("a b", 4);
  await page.getByRole("button", { name: "More" }).click();
  const modes = page.getByRole("combobox", { name: "Mode", exact: true }).getByRole("option");
  await expect(modes).toHaveText(["Plain", "Chat"]);
});

test("what is no model is refused with a sentence, and the page goes on", async ({ page }) => {
  const { demo, panel } = await openPanel(page);
  const file = (name: string, buffer: Buffer) => ({ name, mimeType: "application/x-tar", buffer });
  const input = page.getByLabel("Model to import");
  await input.setInputFiles(file("noise.tar", Buffer.alloc(4096, 7)));
  await expect(panel).toContainText("This file cannot be imported: it is not a tar archive");
  await input.setInputFiles(file("empty.tar", Buffer.alloc(1024)));
  await expect(panel).toContainText("it has no unmask.json");
  await expect(panel.getByRole("listitem")).toHaveCount(1);
  await demo.run("Once upon a time", 8);
});

test("a model that was kept out offers to delete the one that was used least recently", async ({ page }) => {
  const { demo } = await openPanel(page);
  await page.evaluate(async () => {
    // An older model, of which this browser has nothing but the record.
    const root = await navigator.storage.getDirectory();
    const records = await root.getDirectoryHandle("unmask-models");
    for await (const handle of records.values()) {
      const record = JSON.parse(await (await (handle as FileSystemFileHandle).getFile()).text()) as {
        id: string;
        address: string;
        used: number;
        manifest: { name: string };
      };
      record.id = "f".repeat(32);
      record.address = `opfs:${record.id}`;
      record.used -= 86_400_000;
      record.manifest.name = "older";
      const file = await records.getFileHandle(`${record.id}.json`, { create: true });
      const writable = await file.createWritable();
      await writable.write(JSON.stringify(record));
      await writable.close();
      break;
    }
    const files = await root.getDirectoryHandle("unmask-files");
    for await (const name of files.keys()) await files.removeEntry(name);
  });
  await page.reload();
  // The manifest waits until the worker believes that there is no room.
  let patched = (): void => {};
  const ready = new Promise<void>((resolve) => {
    patched = resolve;
  });
  await page.route("**/models/tiny/unmask.json", async (route) => {
    await ready;
    await route.fallback();
  });
  const worker = page.waitForEvent("worker");
  await page.getByRole("button", { name: "Load", exact: true }).click();
  await (await worker).evaluate(() => {
    StorageManager.prototype.estimate = async () => ({ quota: 1000, usage: 0 });
  });
  patched();
  await expect(demo.status).toContainText("is loaded", { timeout: 60_000 });
  const notice = page.locator("#storage-notice");
  await expect(notice).toContainText(/tiny is not kept for the next visit.*Deleting older/);
  await page.getByRole("button", { name: /^Delete older .* and keep this one$/ }).click();
  await page.getByRole("button", { name: "Stored models" }).click();
  const panel = page.getByRole("region", { name: "Stored models" });
  await expect(demo.status).toContainText("is loaded", { timeout: 60_000 });
  await expect(panel.getByRole("listitem")).toHaveCount(1);
  await expect(panel.getByRole("listitem")).toContainText("tiny");
});

for (const theme of ["light", "dark"] as const) {
  test(`axe finds nothing on the panel, ${theme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    const { panel } = await openPanel(page);
    const complaints = async () => {
      const { violations } = await new AxeBuilder({ page }).analyze();
      return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 120)}`));
    };
    expect(await complaints()).toEqual([]);
    await panel.getByRole("button", { name: "Verify tiny" }).click();
    await expect(panel).toContainText("are right");
    await panel.getByRole("button", { name: "Delete tiny" }).click();
    expect(await complaints()).toEqual([]);
  });
}

test("on a phone nothing is cut off, and fingers find every button", async ({ browser, baseURL }) => {
  const context = await browser.newContext({
    viewport: { width: 320, height: 640 },
    hasTouch: true,
    isMobile: true,
    serviceWorkers: "block",
  });
  const page = await context.newPage();
  const { panel } = await openPanel(page, baseURL);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  const heights = await panel
    .locator("button:visible")
    .evaluateAll((nodes) => nodes.map((node) => node.getBoundingClientRect().height));
  expect(heights.length).toBeGreaterThan(3);
  expect(Math.min(...heights)).toBeGreaterThanOrEqual(44);
  await context.close();
});
