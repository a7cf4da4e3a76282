import { expect, test } from "vitest";
import { testManifest } from "../open/test-manifest.ts";
import {
  formatRecord,
  idOfAddress,
  idOfManifest,
  localAddress,
  localId,
  type ModelRecord,
  parseRecord,
} from "./store-layout.ts";

const FILE = { path: "a", bytes: 1, sha256: "0".repeat(64), chunkBytes: 1, chunks: ["1".repeat(64)] };
const MANIFEST = testManifest("one", [FILE]);
const ID = "0123456789abcdef0123456789abcdef";
const RECORD: ModelRecord = { id: ID, address: "https://site/a/", manifest: MANIFEST, added: 1, used: 2 };

test("a record is read as it was written", () => {
  expect(parseRecord(formatRecord(RECORD))).toEqual(RECORD);
  expect(parseRecord(formatRecord({ ...RECORD, address: localAddress(ID) }))?.address).toBe(`opfs:${ID}`);
});

test("anything else is nobody's record", () => {
  const bad = [
    "",
    "null",
    "{",
    "[]",
    formatRecord(RECORD).slice(0, -1),
    formatRecord(RECORD).replace('"schema":1', '"schema":2'),
    formatRecord({ ...RECORD, id: "../../x" }),
    formatRecord({ ...RECORD, address: "javascript:alert(1)" }),
    formatRecord({ ...RECORD, address: "opfs:../x" }),
    formatRecord({ ...RECORD, used: -1 }),
    formatRecord({ ...RECORD, used: Number.POSITIVE_INFINITY }),
    formatRecord({ ...RECORD, manifest: { ...MANIFEST, files: [{ ...FILE, sha256: "../../etc/passwd" }] } }),
    `{"__proto__":${formatRecord(RECORD)}}`,
    "[".repeat(100_000),
  ];
  for (const text of bad) expect(parseRecord(text), text.slice(0, 80)).toBeUndefined();
});

test("ids are those of addresses and of contents", async () => {
  expect(localId(`opfs:${ID}/`)).toBe(ID);
  for (const other of [`opfs:${ID}0`, `OPFS:${ID}`, "https://opfs:80/", "opfs:"]) {
    expect(localId(other)).toBeUndefined();
  }
  expect(await idOfAddress("https://site/a/")).not.toBe(await idOfAddress("https://site/b/"));
  expect(await idOfManifest(MANIFEST)).toBe(await idOfManifest(testManifest("one", [FILE])));
  expect(await idOfManifest(MANIFEST)).toMatch(/^[0-9a-f]{32}$/);
});
