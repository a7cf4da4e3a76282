import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { Manifest, ManifestFile } from "../../model/manifest.ts";
import { testManifest } from "../open/test-manifest.ts";
import { admit } from "./admit.ts";
import { memoryDirectory } from "./memory-directory.ts";
import { type ModelStore, modelStore } from "./model-store.ts";
import { idOfAddress, type ModelRecord } from "./store-layout.ts";
import { storedModels } from "./stored-models.ts";
import { BLOCK_BYTES, tarHeader, tarPadding } from "./tar.ts";

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const CHUNK = 1000;

function content(seed: number, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * seed + (i >> 8)) % 256);
}

const FILES = new Map([
  ["tokenizer.json", content(3, 300)],
  ["onnx/model_q4.onnx", content(5, 1200)],
  ["onnx/model_q4.onnx_data", content(7, 4100)],
]);

function entryOf(path: string): ManifestFile {
  const bytes = FILES.get(path)!;
  const chunks: string[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK) chunks.push(hash(bytes.subarray(at, at + CHUNK)));
  return { path, bytes: bytes.length, sha256: hash(bytes), chunkBytes: CHUNK, chunks };
}

const MANIFEST: Manifest = {
  ...testManifest("story", [...FILES.keys()].map(entryOf)),
  variants: { q4: { graph: "onnx/model_q4.onnx", data: ["onnx/model_q4.onnx_data"] } },
};
const TOTAL = 5600;
const ADDRESS = "https://site/models/story/";

async function write(store: ModelStore, sha256: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const partial = await store.files.begin(sha256);
  partial!.write(0, bytes);
  await partial!.commit(bytes.length);
}

/** A browser, with the model in it unless it is `empty`. */
async function browser(empty = false, room: number | undefined = undefined) {
  const store = await modelStore(memoryDirectory(), async () => room);
  const id = await idOfAddress(ADDRESS);
  if (!empty) {
    for (const { path, sha256 } of MANIFEST.files) await write(store, sha256, FILES.get(path)!);
    const record: ModelRecord = { id, address: ADDRESS, manifest: MANIFEST, added: 1, used: 2 };
    await store.records.put(record);
  }
  const api = storedModels(async () => store);
  const left = async () => [...(await store.files.sizes()).keys()];
  return { store, api, id, left };
}

type Parts = readonly (readonly [name: string, bytes: Uint8Array<ArrayBuffer>])[];

function tarOf(parts: Parts): Blob {
  const blocks = parts.flatMap(([name, bytes]) => [
    tarHeader(name, bytes.length),
    bytes,
    new Uint8Array(tarPadding(bytes.length)),
  ]);
  return new Blob([...blocks, new Uint8Array(2 * BLOCK_BYTES)]);
}

function parts(manifest: unknown = MANIFEST, files = FILES): Parts {
  const text = new TextEncoder().encode(typeof manifest === "string" ? manifest : JSON.stringify(manifest));
  return [["unmask.json", text], ...files];
}

test("models are listed with what is there of them, last used first", async () => {
  const { store, api, id } = await browser();
  const other = { ...MANIFEST, name: "half", files: [entryOf("tokenizer.json"), ...MANIFEST.files.slice(1)] };
  const half = await idOfAddress("https://site/half/");
  await store.records.put({ id: half, address: "https://site/half/", manifest: other, added: 1, used: 9 });
  await store.files.remove(MANIFEST.files[2]!.sha256);
  const { models } = await api.list();
  expect(models.map(({ name, bytes, complete }) => [name, bytes, complete])).toEqual([
    ["half", 1500, false],
    ["story", 1500, false],
  ]);
  expect(models[1]).toMatchObject({ id, address: ADDRESS, local: false, used: 2 });
});

test("verifying counts every byte, and removes a file with a wrong chunk", async () => {
  const { store, api, id } = await browser();
  const seen: number[] = [];
  expect(await api.verify(id, (bytes, total) => void seen.push(bytes, total))).toEqual({
    bytes: TOTAL,
    damaged: [],
  });
  expect(seen.slice(-2)).toEqual([TOTAL, TOTAL]);
  const { sha256, path } = MANIFEST.files[2]!;
  const bad = FILES.get(path)!.slice();
  bad[4000] = bad[4000]! ^ 1;
  await store.files.remove(sha256);
  await write(store, sha256, bad);
  expect(await api.verify(id, () => {})).toEqual({ bytes: 1500, damaged: [path] });
  expect((await api.list()).models[0]).toMatchObject({ bytes: 1500, complete: false });
  await expect(api.verify("0".repeat(32), () => {})).rejects.toMatchObject({ code: "not-found" });
});

test("a packed model is taken in by another browser, once, and opens from there alone", async () => {
  const from = await browser();
  const packed = await from.api.pack(from.id);
  const to = await browser(true);
  const seen: number[] = [];
  const model = await to.api.unpack(packed, (bytes) => void seen.push(bytes));
  expect(model).toMatchObject({ name: "story", bytes: TOTAL, complete: true, local: true });
  expect(model.address).toBe(`opfs:${model.id}`);
  expect(seen.at(-1)).toBe(TOTAL);
  expect(await to.api.unpack(packed, () => {})).toMatchObject({ id: model.id });
  expect((await to.api.list()).models).toHaveLength(1);
  expect(await to.api.remove(model.id)).toBe(TOTAL);
  expect(await to.left()).toEqual([]);
});

const evil = '{"schema":1,"__proto__":{"name":"x"},"constructor":1}';
const traversal = JSON.stringify(MANIFEST).replaceAll("onnx/model_q4.onnx_data", "../model_q4.onnx_data");

test.each<[string, string, () => Parts]>([
  ["manifest-invalid", "no manifest", () => parts().slice(1)],
  ["manifest-invalid", "a manifest that is no JSON", () => parts("{")],
  ["manifest-invalid", "a manifest of another shape", () => parts(evil)],
  ["manifest-invalid", "a manifest that leaves the folder", () => parts(traversal)],
  ["manifest-version", "a later version", () => parts({ ...MANIFEST, schema: 2 })],
  ["manifest-invalid", "a file that is not listed", () => [...parts(), ["extra", content(1, 3)]]],
  ["manifest-invalid", "a part of a model", () => parts().slice(0, -1)],
  [
    "manifest-invalid",
    "a file listed twice",
    () => parts({ ...MANIFEST, files: [...MANIFEST.files, MANIFEST.files[0]] }),
  ],
  [
    "manifest-invalid",
    "chunks of a terabyte",
    () =>
      parts({
        ...MANIFEST,
        files: MANIFEST.files.map((file) => ({ ...file, chunkBytes: 1e12, chunks: [file.chunks[0]] })),
      }),
  ],
  [
    "file-truncated",
    "a file of another length",
    () => parts(MANIFEST, new Map([...FILES, ["tokenizer.json", content(3, 299)]])),
  ],
  [
    "checksum-mismatch",
    "a changed byte in the last chunk",
    () => {
      const bad = FILES.get("onnx/model_q4.onnx_data")!.slice();
      bad[4099] = bad[4099]! ^ 128;
      return parts(MANIFEST, new Map([...FILES, ["onnx/model_q4.onnx_data", bad]]));
    },
  ],
])("%s for an archive with %s, and nothing of it remains", async (code, _, make) => {
  const { api, left } = await browser(true);
  await expect(api.unpack(tarOf(make()), () => {})).rejects.toMatchObject({ code });
  expect(await left()).toEqual([]);
  expect((await api.list()).models).toEqual([]);
});

test("an archive that is cut off, or does not fit, is refused before anything is written", async () => {
  const { api, left } = await browser(true, 5000);
  await expect(api.unpack(tarOf(parts()).slice(0, 3000), () => {})).rejects.toMatchObject({
    code: "file-truncated",
  });
  await expect(api.unpack(tarOf(parts()), () => {})).rejects.toMatchObject({
    code: "storage-failed",
    message: expect.stringMatching(/needs 0.0 MB.*Delete a model first/),
  });
  expect(await left()).toEqual([]);
});

test("an archive cannot put another file in the place of one that a model here has", async () => {
  const { api, store, left } = await browser();
  const before = await left();
  const [tokenizer, ...rest] = MANIFEST.files;
  const other = content(11, 300);
  const files = [{ ...tokenizer!, chunks: [hash(other)] }, ...rest];
  const archive = tarOf(
    parts({ ...MANIFEST, name: "evil", files }, new Map([...FILES, ["tokenizer.json", other]])),
  );
  await expect(api.unpack(archive, () => {})).rejects.toMatchObject({ code: "checksum-mismatch" });
  expect(await left()).toEqual(before);
  expect(await (await store.files.find(tokenizer!.sha256))!.arrayBuffer()).toEqual(
    FILES.get("tokenizer.json")!.buffer,
  );
});

test("without storage every call says so", async () => {
  const none = storedModels(async () => undefined);
  await expect(none.list()).rejects.toMatchObject({ code: "storage-failed" });
  const denied = storedModels(() => Promise.reject(new DOMException("no", "SecurityError")));
  await expect(denied.remove("0".repeat(32))).rejects.toMatchObject({ code: "storage-failed" });
});

test("a chat template of the user's stays with its model, through loads, export and import", async () => {
  const { api, store, id } = await browser();
  expect(await api.keepTemplate("https://site/models/other/", "{{ x }}")).toBe(false);
  expect(await api.keepTemplate(ADDRESS, "{{ messages[0].content }}")).toBe(true);
  await admit(store, ADDRESS, MANIFEST, MANIFEST.files);
  expect((await store.records.get(id))?.template).toBe("{{ messages[0].content }}");
  const archive = await api.pack(id);

  const other = await browser(true);
  const taken = await other.api.unpack(archive, () => {});
  expect((await other.store.records.get(taken.id))?.template).toBe("{{ messages[0].content }}");
  expect(await other.api.keepTemplate(taken.address, undefined)).toBe(true);
  expect(await other.store.records.get(taken.id)).not.toHaveProperty("template");
  expect((await other.api.list()).models).toHaveLength(1);
});

test("an archive whose chat template is no reasonable file is refused", async () => {
  const { api, id } = await browser();
  const large = new Uint8Array(1_000_001);
  const archive = await api.pack(id);
  const parts = [
    tarHeader("user_template.jinja", large.length),
    large,
    new Uint8Array(tarPadding(large.length)),
  ];
  const { api: empty, left } = await browser(true);
  await expect(empty.unpack(new Blob([...parts, archive]), () => {})).rejects.toThrow(/larger than 1 MB/);
  expect(await left()).toEqual([]);
});
