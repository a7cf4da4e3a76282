import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, type Page } from "@playwright/test";
import { SMALL, writeRandomCheckpoint } from "../../src/convert/random-checkpoint.ts";
import { openDemo } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";
import { expectUnharmed, fakeHub, filesOf, openOwnForm, READY, storedPaths, TINY } from "./own-hub.ts";

/** What can go wrong between a source and the store: refusals, cut and cancelled transfers, killed tabs, no room. */
let scratch = "";
test.beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-own-"));
});
test.afterAll(() => rm(scratch, { recursive: true }));

const TABLE_BYTES = 2 * SMALL.vocab * SMALL.hidden;

/** Lengths of the ranges that were asked for. */
function lengths(log: readonly string[]): number[] {
  return log.flatMap((line) => {
    const [, start, end] = /^cdn .* (\d+)-(\d+)$/.exec(line) ?? [];
    return start === undefined ? [] : [Number(end) + 1 - Number(start)];
  });
}

/** As if the disk had room for so many more bytes; runs in the worker, whose types the page does not have. */
function leaveRoom(bytes: number): void {
  StorageManager.prototype.estimate = async () => ({ quota: bytes, usage: 0 });
  const { FileSystemSyncAccessHandle: handle, write } = globalThis as unknown as {
    FileSystemSyncAccessHandle: { prototype: { write(part: Uint8Array, options: object): number } };
    write?: (part: Uint8Array, options: object) => number;
  };
  const inner = write ?? handle.prototype.write;
  let left = bytes;
  Object.assign(globalThis, { write: inner });
  handle.prototype.write = function (part, options) {
    left -= part.byteLength;
    if (left < 0) throw new DOMException("full", "QuotaExceededError");
    return inner.call(this, part, options);
  };
}

test("addresses that the page may not reach, and names that are none, are said so at once", async ({
  page,
}) => {
  await openDemo(page);
  const form = await openOwnForm(page);
  await form.paste("https://example.com/model/");
  await expect(form.problem).toContainText("does not fetch from https://example.com");
  await expect(form.problem).toContainText("drop its folder or files here");
  await expect(form.problem).toContainText("source-blocked");
  await form.paste("two words");
  await expect(form.problem).toContainText("neither owner/name nor an address");
  await expectUnharmed(page);
});

test("what the hub refuses is said in words: not there, not for everyone, too many requests", async ({
  page,
}) => {
  const answers = [
    { status: 404, headers: { "X-Error-Code": "RepoNotFound" } },
    { status: 401 },
    { status: 429, headers: { "Retry-After": "3600" } },
  ];
  let now = 0;
  await using hub = await fakeHub(await filesOf(TINY), ({ kind }) =>
    kind === "api" ? { kind: "status", ...answers[now]! } : undefined,
  );
  await hub.route(page);
  await openDemo(page);
  const form = await openOwnForm(page);
  for (const [at, words] of [
    [0, /The hub has no owner\/model.*not-found/s],
    [1, /its terms must be accepted first.*give the folder instead.*source-blocked/s],
    [2, /asks to come back in 3600 s.*download-failed/s],
  ] as const) {
    now = at;
    await form.paste(hub.server.repo);
    await expect(form.problem).toContainText(words);
  }
  await expectUnharmed(page);
});

/** A conversion from a hub that never answers the sixth request for weights. */
async function beginConversion(page: Page, name: string) {
  const folder = join(scratch, name);
  await writeRandomCheckpoint(folder, SMALL);
  const hub = await fakeHub(await filesOf(folder));
  await hub.route(page, 6);
  await openDemo(page);
  const form = await openOwnForm(page);
  await form.paste(hub.server.repo);
  await form.convert.click();
  return { hub, form, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() };
}

test("a conversion whose tab was killed goes on behind its last finished tensor", async ({
  page,
  context,
}) => {
  await using begun = await beginConversion(page, "random");
  const { hub } = begun;
  const staged = async () => (await storedPaths(page)).filter((path) => path.endsWith("/journal"));
  await expect.poll(staged).toHaveLength(1);
  const weights = () => hub.server.log.filter((line) => line.startsWith("cdn")).length;
  await expect.poll(weights).toBe(5);

  const other = await context.newPage();
  await hub.route(other);
  const demo = await openDemo(other);
  const rest = await openOwnForm(other);
  await rest.paste(hub.server.repo);
  await rest.convert.click();
  await expect(rest.problem).toContainText("Another tab of this site is converting this model");

  await page.close();
  const before = hub.server.log.splice(0);
  await other.reload();
  await openOwnForm(other);
  await expect(rest.leftovers).toContainText(/model: unfinished, .* MB/);
  await rest.leftovers.getByRole("button", { name: "Go on" }).click();
  await expect(demo.status).toContainText("ready: model is loaded", READY);
  // The token table, by far the largest tensor, was finished: it is not asked for again.
  expect(lengths(before)).toContain(TABLE_BYTES);
  expect(Math.max(...lengths(hub.server.log))).toBeLessThan(TABLE_BYTES);
  expect((await storedPaths(other)).filter((path) => path.startsWith("unmask-staging/"))).toEqual([]);
});

test("what does not fit is said before it is fetched; a disk that fills up meanwhile leaves nothing", async ({
  page,
}) => {
  const folder = join(scratch, "large");
  await writeRandomCheckpoint(folder, SMALL);
  const demo = await openDemo(page);
  const form = await openOwnForm(page);
  await expect.poll(() => page.workers().some((worker) => worker.url().includes("convert"))).toBe(true);
  const worker = page.workers().find((one) => one.url().includes("convert"))!;
  const leave = (bytes: number) => worker.evaluate(leaveRoom, bytes);
  await leave(200_000);
  await form.choose(folder);
  await expect(form.facts).toContainText("That does not fit");
  await expect(form.convert).toBeHidden();
  await leave(100_000_000);
  await form.choose(folder);
  await expect(form.convert).toBeVisible();
  await leave(200_000);
  await form.convert.click();
  await expect(form.problem).toContainText(/no room left for this site.*storage-failed/s);
  await expectUnharmed(page);
  await leave(100_000_000);
  await form.choose(TINY);
  await form.convert.click();
  await expect(demo.status).toContainText("is loaded", READY);
});

test("a cancelled download keeps what is done until it is removed", async ({ page }) => {
  await using begun = await beginConversion(page, "cancelled");
  const { hub, form } = begun;
  await expect
    .poll(async () => (await storedPaths(page)).some((path) => path.endsWith("/journal")))
    .toBe(true);
  // From here on the hub answers again: what follows a cancelled conversion is a new look.
  await hub.route(page);
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await expect(form.convert).toHaveText("Download and convert the rest");
  await expect(form.facts).toContainText("are done already");
  await expect(form.problem).toBeHidden();
  await form.leftovers.getByRole("button", { name: "Remove" }).click();
  await expect(form.leftovers).toBeHidden();
  await expectUnharmed(page);
});
