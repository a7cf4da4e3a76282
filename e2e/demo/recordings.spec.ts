import { readFile } from "node:fs/promises";
import { expect, type Page } from "@playwright/test";
import { openDemo, STORY } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";

test("a run is saved as a recording and opened again, by button, by drop and from the system", async ({
  page,
}) => {
  const demo = await openDemo(page);
  await demo.run(STORY, 8);
  const text = await demo.text();
  await page.getByRole("button", { name: "More" }).click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save recording" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("story.unmask.json");
  const saved = await readFile(await download.path(), "utf8");

  await fakeLaunchQueue(page);
  const fetched: string[] = [];
  page.on("request", (request) => fetched.push(request.url()));
  const ways = [
    () => page.locator("#recording-file").setInputFiles(fileOf(saved)),
    () => drop(page, saved),
    () =>
      page.evaluate((content) => {
        const { launch } = globalThis as unknown as { launch: (queue: unknown) => void };
        launch({ files: [{ getFile: async () => new File([content], "a.unmask.json") }] });
      }, saved),
  ];
  for (const open of ways) {
    await openDemo(page);
    await open();
    await expect(demo.status).toContainText("done: a recording");
    expect(await demo.text()).toBe(text);
    await expect(demo.prompt).toHaveValue(STORY);
    await demo.timeline.fill("1");
    expect(await demo.text()).toContain("…");
  }
  expect(fetched.filter((url) => /models\/|\.wasm/.test(url))).toEqual([]);
});

test("an app that is open takes shared text, and tells of a file that the system cannot give", async ({
  page,
}) => {
  await fakeLaunchQueue(page);
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  const demo = await openDemo(page);
  await page.evaluate(() => {
    const { launch } = globalThis as unknown as { launch: (queue: unknown) => void };
    launch({ files: [], targetURL: `${location.href}&title=A%20fox&text=Once%20%3Cb%3E` });
  });
  await expect(demo.prompt).toHaveValue("A fox\nOnce <b>");
  await page.evaluate(() => {
    const { launch } = globalThis as unknown as { launch: (queue: unknown) => void };
    const gone = new DOMException("The file is gone.", "NotFoundError");
    launch({ files: [{ getFile: () => Promise.reject(gone) }] });
  });
  await expect(demo.problem).toContainText("The file is gone.");
  await demo.run(STORY, 8);
  expect(problems).toEqual([]);
});

test("a file that is no recording is told so, and a newer one by its version", async ({ page }) => {
  const demo = await openDemo(page);
  for (const content of ["{", '{"schema":1,"events":"none"}', '{"schema":99,"events":[]}']) {
    await page.locator("#recording-file").setInputFiles(fileOf(content));
    await expect(demo.problem).toContainText("trace-invalid");
    await demo.prompt.fill("");
  }
  await demo.run(STORY, 8);
});

/** Playwright has no system that hands over files: a queue of our own takes its place. */
async function fakeLaunchQueue(page: Page): Promise<void> {
  await page.addInitScript(() => {
    Object.defineProperty(globalThis, "launchQueue", {
      value: {
        setConsumer(consumer: unknown) {
          Object.assign(globalThis, { launch: consumer });
        },
      },
    });
  });
}

function fileOf(content: string) {
  return { name: "a.unmask.json", mimeType: "application/json", buffer: Buffer.from(content) };
}

async function drop(page: Page, content: string): Promise<void> {
  const data = await page.evaluateHandle((text) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], "a.unmask.json", { type: "application/json" }));
    return transfer;
  }, content);
  await page.dispatchEvent("body", "drop", { dataTransfer: data });
}
