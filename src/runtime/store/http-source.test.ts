import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ManifestFile } from "../../model/manifest.ts";
import { type ChunkKeeper, downloadFile } from "./download.ts";
import { type Fault, faultServer } from "./fault-server.ts";
import { httpSource } from "./http-source.ts";

/** Downloads over real connections from a server that misbehaves. */
const CHUNK = 50_000;
const BYTES = Uint8Array.from({ length: 180_000 }, (_, i) => (i * i) >> 3);
const PATIENCE = { stallMs: 300, pausesMs: [1, 1] };
const NEVER = new AbortController().signal;
const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const FILE: ManifestFile = {
  path: "weights",
  bytes: BYTES.length,
  sha256: hash(BYTES),
  chunkBytes: CHUNK,
  chunks: [0, 1, 2, 3].map((n) => hash(BYTES.subarray(n * CHUNK, (n + 1) * CHUNK))),
};

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "unmask-http-"));
  await writeFile(join(folder, "weights"), BYTES);
});
afterAll(() => rm(folder, { recursive: true }));

/** Downloads the file with these faults, one a request; later requests are answered rightly. */
async function download(
  faults: readonly (Fault | undefined)[],
  {
    keeper,
    file = FILE,
    signal = NEVER,
  }: { keeper?: ChunkKeeper; file?: ManifestFile; signal?: AbortSignal } = {},
) {
  await using server = await faultServer(folder, (_, count) => faults[count - 1]);
  let arrived = 0;
  const count = (bytes: number) => {
    arrived += bytes;
  };
  const bytes = await downloadFile(httpSource(server.url, PATIENCE), file, signal, count, keeper);
  return { bytes, arrived, log: server.log };
}

const cut = (after: number): Fault => ({ kind: "cut", after });
const status = (code: number): Fault => ({ kind: "status", status: code });

test("cut connections, stalls and 5xx are tried again from where the transfer stopped", async () => {
  const { bytes, arrived, log } = await download([
    status(503),
    cut(70_000),
    status(500),
    { kind: "stall", after: 30_000 },
    cut(10_000),
  ]);
  expect(bytes).toEqual(BYTES);
  expect(arrived).toBe(BYTES.length);
  expect(log[0]).toBe("weights");
  expect(log).toHaveLength(6);
  const starts = log.slice(2).map((line) => Number(line.split(" ")[1]));
  expect(starts).toEqual([70_000, 70_000, 100_000, 110_000]);
});

test("a server without ranges sends the file again and nothing arrives twice", async () => {
  const { bytes, arrived } = await download([cut(70_000), { kind: "no-ranges" }]);
  expect(bytes).toEqual(BYTES);
  expect(arrived).toBe(BYTES.length);
});

test("answers that hold no file have their codes at once", async () => {
  for (const [code, error] of [
    [404, "not-found"],
    [410, "not-found"],
    [401, "source-blocked"],
    [403, "source-blocked"],
    [416, "file-truncated"],
    [400, "download-failed"],
  ] as const) {
    await expect(download([status(code)])).rejects.toMatchObject({ code: error, detail: { status: code } });
  }
});

test("patience ends: a server that keeps failing, stalls, or is not there", async () => {
  const failed = { code: "download-failed" };
  await expect(download([status(503), status(503), status(503)])).rejects.toMatchObject({
    ...failed,
    message: expect.stringContaining("503"),
  });
  const stall: Fault = { kind: "stall", after: 0 };
  await expect(download([stall, stall, stall])).rejects.toMatchObject({
    ...failed,
    message: expect.stringContaining("no byte in 0.3 s"),
  });
  const nobody = httpSource("http://127.0.0.1:1/", PATIENCE);
  await expect(downloadFile(nobody, FILE, NEVER, () => {})).rejects.toMatchObject(failed);
});

test("a file of another length or content is named as such, the first wrong chunk ends the download", async () => {
  const body = (bytes: Uint8Array): Fault => ({ kind: "body", body: bytes });
  await expect(download([body(BYTES.subarray(0, 99_999))])).rejects.toMatchObject({
    code: "file-truncated",
    detail: { bytes: 99_999 },
  });
  await expect(download([cut(120_000), body(BYTES.subarray(0, 100_000))])).rejects.toMatchObject({
    code: "file-truncated",
  });
  await expect(download([body(new Uint8Array(BYTES.length + 1))])).rejects.toMatchObject({
    code: "checksum-mismatch",
  });
  const flipped = BYTES.slice();
  flipped[60_000]! ^= 1;
  await expect(download([body(flipped)])).rejects.toMatchObject({
    code: "checksum-mismatch",
    detail: { chunk: 1 },
  });
  await expect(download([], { file: { ...FILE, sha256: "0".repeat(64) } })).rejects.toMatchObject({
    code: "checksum-mismatch",
  });
});

test("verified chunks are kept as they arrive; a later visit asks for the rest only", async () => {
  const kept = new Uint8Array(BYTES.length);
  const offsets: number[] = [];
  let length = 0;
  const keeper: ChunkKeeper = {
    restore(into) {
      into.set(kept.subarray(0, length));
      return length;
    },
    keep(offset, bytes) {
      offsets.push(offset);
      kept.set(bytes, offset);
      length = Math.max(length, offset + bytes.length);
    },
  };
  await expect(download([cut(120_000), status(404)], { keeper })).rejects.toMatchObject({
    code: "not-found",
  });
  expect(offsets.toSorted((a, b) => a - b)).toEqual([0, CHUNK]);
  const { bytes, log } = await download([], { keeper });
  expect(bytes).toEqual(BYTES);
  expect(log).toEqual([`weights ${2 * CHUNK}`]);
  kept[10] = ~kept[10]!;
  expect((await download([], { keeper })).log).toEqual(["weights"]);
  expect((await download([], { keeper })).log).toEqual([]);
});

test("a stop ends the download during a pause", async () => {
  const controller = new AbortController();
  const server = await faultServer(folder, () => {
    setTimeout(() => controller.abort());
    return status(503);
  });
  const source = httpSource(server.url, { stallMs: 1e6, pausesMs: [1e6] });
  await expect(downloadFile(source, FILE, controller.signal, () => {})).rejects.toMatchObject({
    code: "aborted",
  });
  await server[Symbol.asyncDispose]();
});
