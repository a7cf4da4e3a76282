import { expect } from "@playwright/test";
import { faultServer } from "../../src/runtime/store/fault-server.ts";
import { CHUNK, DATA, makeStorageSite, modelRequests, partials, visit } from "../support/storage-site.ts";
import { test } from "../support/strict-test.ts";

declare const subject: typeof import("../pages/storage.ts");

let site: Awaited<ReturnType<typeof makeStorageSite>>;
test.beforeAll(async () => {
  site = await makeStorageSite();
});
test.afterAll(() => site.remove());

test("a download that broke off goes on after a reload; what is stored is not asked for again", async ({
  page,
}) => {
  await using server = await faultServer(site.folder, (path, count) =>
    path === DATA && count === 1 ? { kind: "stall", after: 3.5 * CHUNK } : undefined,
  );
  const first = await visit(page, server.url);
  await first.evaluate(() => void subject.open());
  await expect.poll(() => partials(first).catch(() => [])).toEqual([3 * CHUNK]);
  modelRequests(server.log);

  const second = await visit(page, server.url);
  expect(await second.evaluate(() => subject.open())).toEqual([]);
  expect(modelRequests(server.log)).toEqual(["model/unmask.json", `${DATA} ${3 * CHUNK}`]);
  expect(await partials(second)).toEqual([]);

  const third = await visit(page, server.url);
  expect(await third.evaluate(() => subject.open())).toEqual([]);
  expect(modelRequests(server.log)).toEqual(["model/unmask.json"]);
});

test("without storage the model opens all the same, with a warning", async ({ page }) => {
  await using server = await faultServer(site.folder, () => undefined);
  const denied = await visit(page, server.url);
  await denied.evaluate(() => subject.denyStorage());
  expect(await denied.evaluate(() => subject.open())).toEqual(["storage-failed"]);

  const full = await visit(page, server.url);
  await full.evaluate((bytes) => subject.fillStorage(bytes), 4.5 * CHUNK);
  expect(await full.evaluate(() => subject.open())).toEqual(["storage-failed"]);

  const good = await visit(page, server.url);
  expect(await good.evaluate(() => subject.open())).toEqual([]);
});

test("a model that does not fit is not kept, and the warning says so", async ({ page }) => {
  await using server = await faultServer(site.folder, () => undefined);
  const worker = await visit(page, server.url);
  await worker.evaluate((bytes) => subject.grantRoom(bytes), CHUNK);
  expect(await worker.evaluate(() => subject.open())).toEqual(["storage-full"]);
  expect(await worker.evaluate(() => subject.stored())).toEqual({});
});

test("files of no model are removed by the next load", async ({ page }) => {
  await using server = await faultServer(site.folder, () => undefined);
  const worker = await visit(page, server.url);
  await worker.evaluate(() => subject.leaveBehind(["0".repeat(64), `${"1".repeat(64)}.partial`]));
  expect(await worker.evaluate(() => subject.open())).toEqual([]);
  const names = Object.keys(await worker.evaluate(() => subject.stored()));
  expect(names.length).toBeGreaterThan(2);
  expect(names.filter((name) => /^[01]{64}/.test(name))).toEqual([]);
});
