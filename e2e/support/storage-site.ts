import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, type Page, type Worker } from "@playwright/test";
import { bundleModule } from "./page-module.ts";
import { tinyBundle } from "./tiny-bundle.ts";

declare const subject: typeof import("../pages/storage.ts");

export const CHUNK = 16_384;
export const DATA = "model/onnx/model_q4.onnx_data";

/**
 * Makes a site of its own, because its server is to misbehave: a worker with the engine and a model of several chunks.
 *
 * @returns its folder, and what removes it
 */
export async function makeStorageSite(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "unmask-site-"));
  await using bundle = await tinyBundle(["q4"]);
  await cp(bundle.folder, join(folder, "model"), { recursive: true });
  await cutIntoChunks(join(folder, "model"));
  await symlink(resolve("dist-app/ort"), join(folder, "ort"));
  await writeFile(join(folder, "subject.js"), await bundleModule("pages/storage.ts"));
  await writeFile(join(folder, "empty.html"), "<!doctype html><title>empty</title>");
  return { folder, remove: () => rm(folder, { recursive: true }) };
}

/** One visit: a fresh page with a worker in it. */
export async function visit(page: Page, url: string): Promise<Worker> {
  await page.goto(`${url}empty.html`);
  const started = page.waitForEvent("worker");
  await page.evaluate(() => void new Worker("subject.js"));
  const worker = await started;
  await expect.poll(() => worker.evaluate(() => "subject" in globalThis)).toBe(true);
  return worker;
}

/** Requests for the model since the last call. */
export function modelRequests(log: string[]): string[] {
  return log.splice(0).filter((line) => line.startsWith("model/"));
}

/** Sizes of the files that are on their way. */
export const partials = (worker: Worker): Promise<number[]> =>
  worker.evaluate(async () => {
    const files = Object.entries(await subject.stored());
    return files.filter(([name]) => name.endsWith(".partial")).map(([, size]) => size);
  });

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
