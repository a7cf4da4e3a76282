import { expect, type Page } from "@playwright/test";
import { openDemo, STORY } from "../support/demo-page.ts";
import { BAD, GOOD, NASTY, START } from "../support/hostile-traces.ts";
import { openStaticHost } from "../support/static-host.ts";
import { test } from "../support/strict-test.ts";
import { recordingFile } from "../support/written-trace.ts";

const open = (page: Page, trace: unknown): Promise<void> =>
  page.locator("#recording-file").setInputFiles(recordingFile(JSON.stringify(trace)));

test("tokens that look like markup, turn text around or split an emoji are shown safely", async ({
  page,
}) => {
  const dialogs: string[] = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  const demo = await openDemo(page);
  await open(page, NASTY);
  await expect(demo.status).toContainText("done: a recording");
  const text = await demo.text();
  expect(text).toContain('<img src=x onerror="alert(1)">');
  expect(text).toContain("‹U+202E›gnp.exe‹U+202C›");
  expect(text).toContain("\u{1f98a}");
  expect(text).toContain("‹U+0000›‹U+001B›[31m");
  await demo.timeline.fill("2");
  // The second half of the emoji alone: a replacement character, and nothing is lost around it.
  expect(await demo.text()).toMatch(/^Hi …/);
  await demo.timeline.fill("3");
  expect(await demo.text()).toBe(text);
  for (const tag of ["img", "script"]) expect(await page.locator(`unmask-text ${tag}`).count()).toBe(0);
  expect(await demo.status.locator("img, script").count()).toBe(0);
  // Nothing on the page reads from right to left.
  expect(await page.evaluate(() => document.body.textContent)).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
  expect(dialogs).toEqual([]);
});

test("a recording that cannot be trusted is refused in a sentence, and the page goes on", async ({
  page,
}) => {
  const demo = await openDemo(page);
  for (const [name, content, says] of BAD) {
    await test.step(name, async () => {
      await page.locator("#recording-file").setInputFiles(recordingFile(content));
      await expect(demo.problem).toContainText("trace-invalid");
      await expect(demo.problem).toContainText(says);
      await expect(demo.status).toContainText("error");
      await open(page, GOOD);
      await expect(demo.status).toContainText("done: a recording");
      expect(await demo.text()).toBe("Hi fox");
    });
  }
});

test("a recording that is opened while a text is written does not end it", async ({ page }) => {
  const demo = await openDemo(page);
  await demo.prompt.fill(STORY);
  await demo.setLength(12);
  await demo.step.click();
  await expect(demo.status).toContainText("held", { timeout: 90_000 });
  await open(page, START);
  await expect(demo.problem).toContainText("still writing");
  await demo.generate.click();
  await expect(demo.status).toContainText("done: ", { timeout: 90_000 });
  expect(await demo.text()).toContain(STORY);
});

/** Puts `spoil` before the code of the engine's worker, which cannot be prepared from outside. */
async function spoilWorker(page: Page, spoil: string): Promise<void> {
  await page.route("**/assets/engine.worker-*.js", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${spoil};\n${await response.text()}` });
  });
}

test("with storage denied the page works, and says what is not kept", async ({ page }) => {
  await page.addInitScript(() => {
    const deny = {
      get: () => {
        throw new DOMException("denied", "SecurityError");
      },
    };
    for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"]) {
      Object.defineProperty(globalThis, name, deny);
    }
  });
  await spoilWorker(
    page,
    `StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException("denied", "SecurityError"))`,
  );
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  const demo = await openDemo(page);
  await page.getByLabel("Theme").selectOption("dark");
  await demo.run(STORY, 8);
  await page.locator("#backend-chip").click();
  await expect(page.locator("#backend-reason")).toContainText("does not keep the model for the next visit");
  await expect(page.getByText("works without a network")).toBeHidden();
  expect(problems).toEqual([]);
});

test("with a full disk the model runs from memory, and the page says so", async ({ page }) => {
  await spoilWorker(
    page,
    `FileSystemSyncAccessHandle.prototype.write = () => { throw new DOMException("full", "QuotaExceededError"); }`,
  );
  const demo = await openDemo(page);
  await demo.run(STORY, 8);
  await page.locator("#backend-chip").click();
  await expect(page.locator("#backend-reason")).toContainText("does not keep the model for the next visit");
});

const SANDBOX = `<!doctype html><title>sandbox</title><iframe sandbox="allow-scripts" src="PAGE"></iframe>`;

test("in a sandboxed frame recordings play, and a run says why it cannot be", async ({ page }) => {
  await using host = await openStaticHost();
  await host.write("sandbox.html", SANDBOX.replace("PAGE", "./?backend=wasm"));
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(`${host.site}sandbox.html`);
  const frame = page.frameLocator("iframe");
  await expect(frame.locator("unmask-text .word").first()).toBeVisible();
  await frame.getByRole("textbox", { name: "Prompt" }).fill(STORY);
  await frame.getByRole("button", { name: "Generate" }).click();
  await expect(frame.getByRole("region", { name: "Problem", exact: true })).toContainText(
    "a sandboxed frame may not start one",
  );
  await expect(frame.getByRole("status")).toContainText("error: backend-unavailable");
  await frame.locator("#recording-file").setInputFiles(recordingFile(JSON.stringify(START)));
  await expect(frame.getByRole("status")).toContainText("done: a recording");
  expect(problems).toEqual([]);
});

test("an embed in a sandboxed frame without storage writes", async ({ page }) => {
  await using host = await openStaticHost();
  await host.write("sandbox.html", SANDBOX.replace("PAGE", "host.html"));
  await host.write(
    "host.html",
    `<!doctype html><title>embed</title><script type="module" src="embed.js"></script>
<unmask-text controls prompt="Once upon a time" recipe='{"preset":"llada","length":8}'></unmask-text>`,
  );
  await page.goto(`${host.site}sandbox.html`);
  const sheet = page.frameLocator("iframe").locator("unmask-text");
  await sheet.getByRole("button", { name: "Write" }).click();
  await expect(sheet.getByRole("status")).toContainText(/^done/, { timeout: 90_000 });
});
