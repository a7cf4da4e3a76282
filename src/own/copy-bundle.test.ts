import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeFolder } from "../convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../convert/convert.ts";
import { nodeTarget } from "../convert/target/node-target.ts";
import { listUnfinished, opfsTarget } from "../convert/target/opfs-target.ts";
import type { Manifest } from "../model/manifest.ts";
import { memoryDirectory } from "../runtime/store/memory-directory.ts";
import { recordBook } from "../runtime/store/records.ts";
import { RECORDS } from "../runtime/store/store-layout.ts";
import type { GivenFile } from "../sources/file-folder.ts";
import { copyBundle } from "./copy-bundle.ts";

const FIXTURE = join(import.meta.dirname, "../convert/fixtures/a2d-qwen3-mdlm");

let scratch = "";
let manifest: Manifest;
let files: GivenFile[] = [];
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-copy-"));
  const out = join(scratch, "tiny");
  manifest = await convertCheckpoint(nodeFolder(FIXTURE), (key) => nodeTarget(out, key), {
    dtypes: ["q4", "int8"],
    name: "tiny",
    warn: () => {},
    progress: () => {},
  });
  const paths = (await readdir(out, { recursive: true })).filter((path) => /\.\w+$/.test(path));
  files = await Promise.all(
    paths.map(async (path) => ({
      path: `tiny/${path}`,
      file: new File([await readFile(join(out, path))], path),
    })),
  );
});
afterAll(() => rm(scratch, { recursive: true }));

test("a bundle folder becomes a model of this browser", async () => {
  const root = memoryDirectory();
  const shares: number[] = [];
  await copyBundle(files, manifest, await opfsTarget(root, "key"), (share) => shares.push(share));
  const records = await recordBook(await root.getDirectoryHandle(RECORDS)).list();
  expect(records.map((record) => record.manifest)).toEqual([manifest]);
  expect(shares.at(-1)).toBe(1);
});

test("a file that is missing, cut or damaged is named, and nothing is left", async () => {
  const data = "tiny/onnx/model_q4.onnx_data";
  const bytes = new Uint8Array(await files.find(({ path }) => path === data)!.file.arrayBuffer());
  const changed = (content: Uint8Array<ArrayBuffer>) =>
    files.map((given) => (given.path === data ? { path: data, file: new File([content], "x") } : given));
  const damaged = bytes.slice();
  damaged[1000]! ^= 1;
  for (const [given, code] of [
    [files.filter(({ path }) => path !== data), "not-found"],
    [changed(bytes.slice(0, -1)), "file-truncated"],
    [changed(damaged), "checksum-mismatch"],
  ] as const) {
    const root = memoryDirectory();
    const copying = copyBundle(given, manifest, await opfsTarget(root, "key"), () => {});
    await expect(copying).rejects.toMatchObject({
      code,
      message: expect.stringContaining("model_q4.onnx_data"),
    });
    expect(await listUnfinished(root)).toEqual([]);
  }
});
