import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { Manifest, ManifestFile } from "../../model/manifest.ts";
import { fetchFiles } from "../open/bundle.ts";
import { rejectModel } from "../open/reject-model.ts";
import { testManifest } from "../open/test-manifest.ts";
import type { Platform } from "../platform/platform.ts";
import { memoryDirectory } from "./memory-directory.ts";
import { forgetModel, modelStore } from "./model-store.ts";
import { FILES, idOfAddress } from "./store-layout.ts";

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** A file of two chunks. */
function fileOf(path: string, seed: number): { entry: ManifestFile; bytes: Uint8Array<ArrayBuffer> } {
  const bytes = Uint8Array.from({ length: 12 }, (_, i) => (i * seed) % 251);
  const chunks = [bytes.subarray(0, 8), bytes.subarray(8)].map(hash);
  return { entry: { path, bytes: 12, sha256: hash(bytes), chunkBytes: 8, chunks }, bytes };
}

const A = fileOf("a", 7);
const B = fileOf("b", 11);
const C = fileOf("c", 13);

function manifestOf(name: string, ...files: readonly { entry: ManifestFile }[]): Manifest {
  return testManifest(
    name,
    files.map(({ entry }) => entry),
  );
}

async function setUp(room: number | undefined = undefined, contents = [A, B, C]) {
  const root = memoryDirectory();
  const store = await modelStore(root, async () => room);
  const asked: string[] = [];
  const warnings: string[] = [];
  const visit = (address: string, manifest: Manifest) =>
    fetchFiles(manifest.files, {
      source: {
        name: address,
        async *read(path, _, start = 0) {
          asked.push(`${path} ${start}`);
          yield contents.find(({ entry }) => entry.path === path)!.bytes.subarray(start);
        },
      },
      manifest,
      store,
      signal: new AbortController().signal,
      report: () => {},
      warn: (code, message) => void warnings.push(`${code}: ${message}`),
    });
  const names = async () => [...(await store.files.sizes()).keys()].sort();
  return { root, store, asked, warnings, visit, names };
}

const HERE = "https://site/models/one/";

test("a visit keeps the files and says whose they are; the next one asks for nothing", async () => {
  const { store, asked, warnings, visit, names } = await setUp();
  const manifest = manifestOf("one", A, B);
  await visit(HERE, manifest);
  expect(await names()).toEqual([A.entry.sha256, B.entry.sha256].sort());
  expect(await store.records.list()).toMatchObject([{ address: HERE, manifest: { name: "one" } }]);
  asked.length = 0;
  const files = await visit(HERE, manifest);
  expect([asked, warnings]).toEqual([[], []]);
  expect(files.get("a")).toEqual(A.bytes);
});

test("a stored file that was damaged is fetched again", async () => {
  const { root, asked, visit } = await setUp();
  const manifest = manifestOf("one", A);
  await visit(HERE, manifest);
  const folder = await root.getDirectoryHandle(FILES);
  const handle = await folder.getFileHandle(A.entry.sha256);
  const access = await (
    handle as unknown as {
      createSyncAccessHandle(): Promise<{ write(b: Uint8Array, o: object): void; close(): void }>;
    }
  ).createSyncAccessHandle();
  access.write(Uint8Array.of(99), { at: 3 });
  access.close();
  asked.length = 0;
  expect((await visit(HERE, manifest)).get("a")).toEqual(A.bytes);
  expect(asked).toEqual(["a 0"]);
});

test("what belongs to no model is removed: files of an older bundle and what was never finished", async () => {
  const { store, visit, names } = await setUp();
  await visit(HERE, manifestOf("one", A, B));
  const partial = await store.files.begin("0".repeat(64));
  partial?.write(0, Uint8Array.of(1));
  partial?.close();
  await visit(HERE, manifestOf("one", A, C));
  expect(await names()).toEqual([A.entry.sha256, C.entry.sha256].sort());
  expect(await store.records.list()).toHaveLength(1);
});

test("a partial file of a known model stays for a month, and one that is being written stays", async () => {
  const { store, visit, names } = await setUp();
  await visit(HERE, manifestOf("one", A));
  const other = "https://site/models/two/";
  const begun = async (used: number) => {
    const id = await idOfAddress(other);
    await store.records.put({ id, address: other, manifest: manifestOf("two", B), added: 1, used });
    (await store.files.begin(B.entry.sha256))?.close();
  };
  await begun(Date.now());
  const open = await store.files.begin("1".repeat(64));
  await store.tidy();
  const held = `${"1".repeat(64)}.partial`;
  expect(await names()).toEqual([A.entry.sha256, `${B.entry.sha256}.partial`, held].sort());
  await begun(Date.now() - 31 * 86_400_000);
  await store.tidy();
  expect(await names()).toEqual([A.entry.sha256, held].sort());
  expect(await store.records.list()).toMatchObject([{ address: HERE }]);
  open?.close();
});

test("without room the model is fetched but not kept, and the sentence names what to delete", async () => {
  const { store, warnings, visit, names } = await setUp(20);
  const old = "https://site/models/old/";
  await visit(old, manifestOf("old", C));
  await visit(HERE, manifestOf("one", A, B));
  expect(await names()).toEqual([C.entry.sha256]);
  expect(await store.records.list()).toHaveLength(1);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/^storage-full: one is not kept .* Deleting old \(0.0 MB\), .* makes room\.$/);
});

test("a deleted model takes its files along, but for those of another", async () => {
  const { store, visit, names } = await setUp();
  await visit(HERE, manifestOf("one", A, B));
  const other = "https://site/models/two/";
  await visit(other, manifestOf("two", B, C));
  expect(await forgetModel(store, await idOfAddress(HERE))).toBe(12);
  expect(await names()).toEqual([B.entry.sha256, C.entry.sha256].sort());
  expect(await forgetModel(store, "f".repeat(32))).toBe(0);
});

test("of a model with bad files nothing remains, unless it was good before", async () => {
  const damaged = { ...B, bytes: B.bytes.map((byte, i) => (i === 9 ? byte ^ 1 : byte)) };
  const { store, visit, names } = await setUp(undefined, [A, damaged, C]);
  const platform = {
    openStore: async () => store,
    openSource: (address: string) => ({ name: address }),
  } as unknown as Platform;
  const load = (address: string, manifest: Manifest) =>
    visit(address, manifest).catch((error: unknown) => rejectModel(platform, address, error));
  const bad = manifestOf("bad", A, B);
  await expect(load(HERE, bad)).rejects.toMatchObject({ code: "checksum-mismatch" });
  expect([await names(), await store.records.list()]).toEqual([[], []]);

  const record = {
    id: await idOfAddress(HERE),
    address: HERE,
    manifest: manifestOf("good", A),
    added: 1,
    used: 2,
  };
  await load(HERE, record.manifest);
  await store.records.put(record);
  await expect(load(HERE, bad)).rejects.toMatchObject({ code: "checksum-mismatch" });
  expect(await names()).toContain(A.entry.sha256);
});
