import { mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { assetsCommand } from "./assets.ts";
import { QUIET_IO } from "./io/quiet-io.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "unmask-assets-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const copied = async (...args: string[]): Promise<unknown[]> => {
  const values = args.includes("--runtime-only") ? { "runtime-only": true } : {};
  const { json } = await assetsCommand.run([folder], values, QUIET_IO);
  const files = json["files"] as { path: string; copied: boolean }[];
  return files.filter((file) => file.copied).map(({ path }) => path);
};

test("runtime and model come to lie where a page looks for them, once", async () => {
  expect(await copied("--runtime-only")).toEqual([
    "ort/ort-wasm-simd-threaded.mjs",
    "ort/ort-wasm-simd-threaded.wasm",
    "ort/ort-wasm-simd-threaded.asyncify.mjs",
    "ort/ort-wasm-simd-threaded.asyncify.wasm",
  ]);
  expect(await copied()).toContain("models/default/unmask.json");
  expect(await readdir(folder)).toEqual(["models", "ort"]);
  expect(await copied()).toEqual([]);
});

test("a copy that is shorter or older than its source is replaced", async () => {
  const mjs = "ort/ort-wasm-simd-threaded.mjs";
  const wasm = "ort/ort-wasm-simd-threaded.wasm";
  await copied();
  await writeFile(join(folder, mjs), "cut off");
  await utimes(join(folder, wasm), 0, 0);
  expect(await copied()).toEqual([mjs, wasm]);
  expect((await stat(join(folder, mjs))).size).toBeGreaterThan(1000);
});

test("without one folder, or into a file, it is refused", async () => {
  await expect(assetsCommand.run([], {}, QUIET_IO)).rejects.toMatchObject({ code: "usage" });
  await expect(assetsCommand.run(["a", "b"], {}, QUIET_IO)).rejects.toMatchObject({ code: "usage" });
  const file = join(folder, "file");
  await writeFile(file, "");
  await expect(assetsCommand.run([file], {}, QUIET_IO)).rejects.toMatchObject({ code: "write-failed" });
});
