import { expect, type Page, type Worker } from "@playwright/test";
import { type Fault, faultServer } from "../../src/runtime/store/fault-server.ts";
import { CHUNK, DATA, makeStorageSite, modelRequests, partials, visit } from "../support/storage-site.ts";
import { test } from "../support/strict-test.ts";

declare const subject: typeof import("../pages/storage.ts");

let site: Awaited<ReturnType<typeof makeStorageSite>>;
test.beforeAll(async () => {
  site = await makeStorageSite();
});
test.afterAll(() => site.remove());

async function twoTabs(page: Page, url: string): Promise<readonly [Worker, Page, Worker]> {
  const other = await page.context().newPage();
  return [await visit(page, url), other, await visit(other, url)];
}

const stallsOnce = (path: string, count: number): Fault | undefined =>
  path === DATA && count === 1 ? { kind: "stall", after: 3.5 * CHUNK } : undefined;

test("one tab fetches a file; when it is closed the other goes on where it was", async ({ page }) => {
  await using server = await faultServer(site.folder, stallsOnce);
  const [first, , second] = await twoTabs(page, server.url);
  await first.evaluate(() => void subject.open());
  await expect.poll(() => partials(first).catch(() => [])).toEqual([3 * CHUNK]);
  modelRequests(server.log);

  const opened = second.evaluate(() => subject.open());
  await expect.poll(() => second.evaluate(() => subject.waiting())).toBe(1);
  // It read the manifest and waits for the file that is on its way.
  expect(modelRequests(server.log)).toEqual(["model/unmask.json"]);
  await page.close();
  expect(await opened).toEqual([]);
  expect(modelRequests(server.log)).toEqual([`${DATA} ${3 * CHUNK}`]);
});

test("two tabs that load at once fetch every file once", async ({ page }) => {
  await using server = await faultServer(site.folder, () => undefined);
  const [first, other, second] = await twoTabs(page, server.url);
  modelRequests(server.log);
  const both = await Promise.all([first, second].map((tab) => tab.evaluate(() => subject.open())));
  expect(both).toEqual([[], []]);
  const asked = modelRequests(server.log).filter((line) => line !== "model/unmask.json");
  expect(new Set(asked).size).toBe(asked.length);
  expect(asked).toContain(DATA);
  await other.close();
});

test("the GPU belongs to one tab until it is closed", async ({ page }) => {
  await using server = await faultServer(site.folder, () => undefined);
  const [first, , second] = await twoTabs(page, server.url);
  expect(await first.evaluate(() => subject.claimTheGpu())).toBe(true);
  expect(await second.evaluate(() => subject.claimTheGpu())).toBe(false);
  await page.close();
  await expect.poll(() => second.evaluate(() => subject.claimTheGpu())).toBe(true);
});
