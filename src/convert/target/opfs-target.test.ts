import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { UnmaskError } from "../../core/errors.ts";
import { memoryDirectory } from "../../runtime/store/memory-directory.ts";
import { recordBook } from "../../runtime/store/records.ts";
import { FILES, idOfManifest, RECORDS, STAGING } from "../../runtime/store/store-layout.ts";
import type { CheckpointFolder } from "../checkpoint/byte-source.ts";
import { nodeFolder } from "../checkpoint/node-folder.ts";
import { convertCheckpoint } from "../convert.ts";
import { fileDigest } from "./bundle-target.ts";
import { listUnfinished, opfsTarget, removeUnfinished } from "./opfs-target.ts";

const FIXTURE = join(import.meta.dirname, "../fixtures/a2d-qwen3-mdlm");

/** Converts into `root`; the weights fail after so many reads. Resolves with the bytes read from them. */
async function convert(root: FileSystemDirectoryHandle, failAfter = Number.POSITIVE_INFINITY) {
  const inner = nodeFolder(FIXTURE);
  let reads = 0;
  let bytes = 0;
  const open: CheckpointFolder["open"] = async (name) => {
    const source = await inner.open(name);
    if (!name.endsWith(".safetensors")) return source;
    return {
      ...source,
      read: async (offset, length) => {
        if (reads++ >= failAfter) throw new UnmaskError("download-failed", "The network is gone.");
        bytes += length;
        return source.read(offset, length);
      },
    };
  };
  const manifest = await convertCheckpoint(
    { ...inner, remote: true, open },
    (key) => opfsTarget(root, key, "about it"),
    { dtypes: ["q4", "int8"], name: "tiny", warn: () => {}, progress: () => {} },
  );
  return { manifest, bytes };
}

async function names(root: FileSystemDirectoryHandle, folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const name of (await root.getDirectoryHandle(folder)).keys()) found.push(name);
  return found.sort();
}

test("a finished conversion is a record and its files by their hashes, and nothing else", async () => {
  const root = memoryDirectory();
  const { manifest } = await convert(root);
  const id = await idOfManifest(manifest);
  const record = await recordBook(await root.getDirectoryHandle(RECORDS)).get(id);
  expect(record).toMatchObject({ address: `opfs:${id}`, manifest });
  expect(await names(root, FILES)).toEqual(manifest.files.map(({ sha256 }) => sha256).sort());
  for (const { sha256 } of manifest.files) {
    const file = await (await (await root.getDirectoryHandle(FILES)).getFileHandle(sha256)).getFile();
    const digest = fileDigest();
    digest.update(new Uint8Array(await file.arrayBuffer()));
    expect(digest.prefix()).toBe(sha256);
  }
  expect(await names(root, STAGING)).toEqual([]);
});

test("one that is cut off is listed, goes on behind its last finished tensor, and can be removed", async () => {
  const undisturbed = await convert(memoryDirectory());
  const root = memoryDirectory();
  await expect(convert(root, 20)).rejects.toMatchObject({ code: "download-failed" });
  const [left, ...more] = await listUnfinished(root);
  expect(more).toEqual([]);
  expect(left?.about).toBe("about it");
  expect(left?.bytes).toBeGreaterThan(10_000);
  await expect(root.getDirectoryHandle(RECORDS)).rejects.toMatchObject({ name: "NotFoundError" });

  const { manifest, bytes } = await convert(root);
  expect(manifest).toEqual(undisturbed.manifest);
  expect(bytes).toBeLessThan(undisturbed.bytes);
  expect(await listUnfinished(root)).toEqual([]);

  const other = memoryDirectory();
  await expect(convert(other, 20)).rejects.toMatchObject({ code: "download-failed" });
  await removeUnfinished(other, left!.key);
  expect(await listUnfinished(other)).toEqual([]);
});

test("a checkpoint that is broken, and a store that is full, leave nothing behind", async () => {
  const broken = memoryDirectory();
  const config = new TextEncoder().encode(
    (await readFile(join(FIXTURE, "config.json"), "utf8")).replace(/"hidden_size": \d+/, '"hidden_size": 48'),
  );
  const inner = nodeFolder(FIXTURE);
  const changed: CheckpointFolder = {
    ...inner,
    open: async (name) =>
      name === "config.json"
        ? { size: config.length, read: async (at, length) => config.slice(at, at + length) }
        : inner.open(name),
  };
  const options = { dtypes: ["q4"], name: "x", warn: () => {}, progress: () => {} } as const;
  await expect(convertCheckpoint(changed, (key) => opfsTarget(broken, key), options)).rejects.toMatchObject({
    code: expect.stringMatching(/^checkpoint-/),
  });
  expect(await listUnfinished(broken)).toEqual([]);

  const full = memoryDirectory();
  const target = async (key: string) => {
    const opened = await opfsTarget(full, key);
    return {
      ...opened,
      append: async (path: string) => {
        const file = await opened.append(path);
        return {
          ...file,
          append: async () => {
            throw new UnmaskError("storage-failed", "There is no room.");
          },
        };
      },
    };
  };
  await expect(convertCheckpoint(inner, target, options)).rejects.toMatchObject({ code: "storage-failed" });
  expect(await listUnfinished(full)).toEqual([]);
});

test("two cannot convert the same at once", async () => {
  const held = new Set<string>();
  const request = async (name: string, _: LockOptions, job: (lock: object | null) => Promise<void>) => {
    if (held.has(name)) return job(null);
    held.add(name);
    await job({}).finally(() => held.delete(name));
  };
  vi.stubGlobal("navigator", { locks: { request } });
  const root = memoryDirectory();
  const first = await opfsTarget(root, "key");
  await first.write("a", Uint8Array.of(1));
  await expect(opfsTarget(root, "key")).rejects.toMatchObject({ code: "busy" });
  const other = await opfsTarget(root, "other");
  await other.discard();
  await first.discard();
  await expect.poll(() => held.size).toBe(0);
  const again = await opfsTarget(root, "key");
  await again.discard();
  vi.unstubAllGlobals();
});
