import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, type Page, type Worker } from "@playwright/test";
import { faultServer } from "../src/runtime/fault-server.ts";
import { bundleModule } from "./page-module.ts";
import { test } from "./strict-test.ts";
import { tinyBundle } from "./tiny-bundle.ts";

declare const subject: typeof import("./pages/storage.ts");

const CHUNK = 16_384;
const DATA = "model/onnx/model_q4.onnx_data";
/** A site of its own, because its server is to misbehave: a worker with the engine and a model of several chunks. */
let site = "";
test.beforeAll(async () => {
  site = await mkdtemp(join(tmpdir(), "unmask-site-"));
  await using bundle = await tinyBundle(["q4"]);
  await cp(bundle.folder, join(site, "model"), { recursive: true });
  await cutIntoChunks(join(site, "model"));
  await symlink(resolve("dist-app/ort"), join(site, "ort"));
  await writeFile(join(site, "subject.js"), await bundleModule("pages/storage.ts"));
  await writeFile(join(site, "empty.html"), "<!doctype html><title>empty</title>");
});
test.afterAll(() => rm(site, { recursive: true }));

/** One visit: a fresh page with a worker in it. */
async function visit(page: Page, url: string): Promise<Worker> {
  await page.goto(`${url}empty.html`);
  const started = page.waitForEvent("worker");
  await page.evaluate(() => void new Worker("subject.js"));
  const worker = await started;
  await expect.poll(() => worker.evaluate(() => "subject" in globalThis)).toBe(true);
  return worker;
}

/** Requests for the model since the last call. */
function modelRequests(log: string[]): string[] {
  return log.splice(0).filter((line) => line.startsWith("model/"));
}

/** Rewrites the manifest with chunks that a tiny model has several of. */
async function cutIntoChunks(folder: string): Promise<void> {
  const path = join(folder, "unmask.json");
  const manifest = JSON.parse(await readFile(path, "utf8")) as {
    files: { path: string; chunkBytes: number; chunks: string[] }[];
  };
  for (const file of manifest.files) {
    const bytes = await readFile(join(folder, file.path));
    file.chunkBytes = CHUNK;
    file.chunks = [];
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const hash = createHash("sha256").update(bytes.subarray(at, at + CHUNK));
      file.chunks.push(hash.digest("hex"));
    }
  }
  await writeFile(path, JSON.stringify(manifest));
}

/** Sizes of the files that are on their way. */
const partials = (worker: Worker): Promise<number[]> =>
  worker.evaluate(async () => {
    const files = Object.entries(await subject.stored());
    return files.filter(([name]) => name.endsWith(".partial")).map(([, size]) => size);
  });

test("a download that broke off goes on after a reload; what is stored is not asked for again", async ({
  page,
}) => {
  await using server = await faultServer(site, (path, count) =>
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
  await using server = await faultServer(site, () => undefined);
  const denied = await visit(page, server.url);
  await denied.evaluate(() => subject.denyStorage());
  expect(await denied.evaluate(() => subject.open())).toEqual(["storage-failed"]);

  const full = await visit(page, server.url);
  await full.evaluate((bytes) => subject.fillStorage(bytes), 4.5 * CHUNK);
  expect(await full.evaluate(() => subject.open())).toEqual(["storage-failed"]);

  const good = await visit(page, server.url);
  expect(await good.evaluate(() => subject.open())).toEqual([]);
});
