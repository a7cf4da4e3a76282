import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { inspectCommand } from "../cli/inspect.ts";
import { openCheckpoint } from "../convert/checkpoint/checkpoint.ts";
import { hubFolder } from "./hub-folder.ts";
import { type HubFault, type HubRequest, hubServer } from "./hub-server.ts";
import { parseLocator } from "./locator.ts";
import type { Patience } from "./patience.ts";

/** The hub client over real connections to a server that behaves, and misbehaves, like the hub. */
const FIXTURE = join(import.meta.dirname, "../convert/fixtures/a2d-qwen3-mdlm");
const BYTES = Uint8Array.from({ length: 1_500_000 }, (_, i) => (i * i) >> 3);
const WEIGHTS = "model.safetensors";
/** Many times faster than comparing element by element. */
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
const CONFIG = new TextEncoder().encode('{"model_type":"x"}');

const pauses: number[] = [];
/** Alarms that wait. They ring when the server drips, so that no test depends on how fast the machine is. */
const alarms = new Set<() => void>();
const drip: HubFault = { kind: "drip", sent: () => void alarms.forEach((ring) => void ring()) };
const patience: Partial<Patience> = {
  alarm: (_, ring) => {
    alarms.add(ring);
    return () => alarms.delete(ring);
  },
  pausesMs: [1, 2, 3],
  pause: async (ms) => void pauses.push(ms),
};

async function folderOf(
  faultOf: (request: HubRequest) => HubFault | undefined,
  text = "owner/model",
  files: Record<string, Uint8Array> = { "config.json": CONFIG, [WEIGHTS]: BYTES },
) {
  const server = await hubServer(files, faultOf);
  const locator = parseLocator(text);
  if (locator.kind !== "hub") throw new Error("not a hub name");
  const signal = new AbortController().signal;
  const open = () => hubFolder(locator, { endpoint: server.url, signal, patience });
  return { server, open, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Faults of the requests for the weights behind the redirect, one a request. */
const atCdn =
  (...faults: (HubFault | undefined)[]) =>
  ({ kind, count }: HubRequest) =>
    kind === "cdn" ? faults[count - 1] : undefined;
const status = (code: number, headers?: Record<string, string>): HubFault => ({
  kind: "status",
  status: code,
  ...(headers && { headers }),
});

async function readWeights(...faults: (HubFault | undefined)[]) {
  await using hub = await folderOf(atCdn(...faults));
  const file = await (await hub.open()).open(WEIGHTS);
  return { bytes: await file.read(1000, 700_000), log: hub.server.log };
}

test("a repository is read at one commit: the listing, small files whole, ranges behind a redirect that is kept", async () => {
  await using hub = await folderOf(
    () => undefined,
    `owner/model@${"0123456789abcdef0123456789abcdef01234567"}`,
  );
  const folder = await hub.open();
  expect(folder.commit).toBe(hub.server.commit);
  expect(await folder.names()).toEqual(["config.json", WEIGHTS]);
  const config = await folder.open("config.json");
  expect(await config.read(0, config.size)).toEqual(CONFIG);
  const file = await folder.open(WEIGHTS);
  expect(file.size).toBe(BYTES.length);
  expect(same(await file.read(0, 8), BYTES.subarray(0, 8))).toBe(true);
  expect(same(await file.read(5000, 100), BYTES.subarray(5000, 5100))).toBe(true);
  expect(same(await file.read(600_000, 300_000), BYTES.subarray(600_000, 900_000))).toBe(true);
  expect(same(await file.read(BYTES.length - 3, 3), BYTES.subarray(-3))).toBe(true);
  expect(hub.server.log.filter((line) => line.startsWith("resolve model"))).toHaveLength(1);
  expect(hub.server.log.filter((line) => line.startsWith("cdn"))).toEqual([
    `cdn ${WEIGHTS} 0-262143`,
    `cdn ${WEIGHTS} 600000-899999`,
    `cdn ${WEIGHTS} 1499997-1499999`,
  ]);
  await expect(folder.open("../outside.json")).rejects.toMatchObject({ code: "not-found" });
});

test("a signed address that has expired is resolved again", async () => {
  await using hub = await folderOf(() => undefined);
  const file = await (await hub.open()).open(WEIGHTS);
  await file.read(0, 300_000);
  hub.server.expire();
  expect(same(await file.read(300_000, 300_000), BYTES.subarray(300_000, 600_000))).toBe(true);
  expect(hub.server.log.filter((line) => line.startsWith("resolve model"))).toHaveLength(2);
});

test("cuts, 5xx, short answers and drips are tried again from where they stopped", async () => {
  const { bytes, log } = await readWeights(
    status(500),
    { kind: "cut", after: 100_000 },
    { kind: "length", by: -200_000 },
    drip,
    status(503),
  );
  expect(same(bytes, BYTES.subarray(1000, 701_000))).toBe(true);
  const starts = log
    .filter((line) => line.startsWith("cdn"))
    .map((line) => Number(line.split(" ")[2]!.split("-")[0]));
  expect(starts.slice(0, 3)).toEqual([1000, 1000, 101_000]);
  expect(starts[3]).toBe(501_000);
});

test("429 waits as long as it asks for, within bounds", async () => {
  pauses.length = 0;
  const busy = status(429, { "Retry-After": "7" });
  expect((await readWeights(busy)).bytes).toHaveLength(700_000);
  expect(pauses).toEqual([7000]);
  await expect(readWeights(status(429, { "Retry-After": "3600" }))).rejects.toMatchObject({
    code: "download-failed",
    detail: { status: 429, retryAfterSeconds: 3600 },
  });
  await expect(readWeights(busy, busy, busy, busy)).rejects.toMatchObject({ code: "download-failed" });
});

test("a server that never recovers, or drips for ever, ends in download-failed after bounded tries", async () => {
  await using hub = await folderOf(atCdn(...Array.from({ length: 9 }, () => status(502))));
  const file = await (await hub.open()).open(WEIGHTS);
  await expect(file.read(0, 300_000)).rejects.toMatchObject({
    code: "download-failed",
    detail: { status: 502 },
  });
  expect(hub.server.log.filter((line) => line.startsWith("cdn"))).toHaveLength(4);
  await expect(readWeights(drip, drip, drip, drip)).rejects.toMatchObject({ code: "download-failed" });
});

test("a file that changes half way is never mixed", async () => {
  const other: HubFault = { kind: "other", etag: '"second"' };
  await expect(readWeights({ kind: "cut", after: 100_000 }, other)).rejects.toMatchObject({
    code: "source-changed",
  });
  const shorter: HubFault = { kind: "other", etag: '"first"', bytes: BYTES.subarray(0, 900_000) };
  await expect(readWeights(shorter)).rejects.toMatchObject({ code: "source-changed" });
  await expect(readWeights({ kind: "length", by: 10 })).rejects.toMatchObject({ code: "download-failed" });
});

test("a server without ranges sends the file once and it is read from the copy", async () => {
  await using hub = await folderOf(({ kind }) => (kind === "cdn" ? { kind: "no-ranges" } : undefined));
  const file = await (await hub.open()).open(WEIGHTS);
  expect(same(await file.read(700_000, 300_000), BYTES.subarray(700_000, 1_000_000))).toBe(true);
  expect(same(await file.read(3, 4), BYTES.subarray(3, 7))).toBe(true);
  expect(hub.server.log.filter((line) => line.startsWith("cdn"))).toHaveLength(2);
});

test("what the hub refuses has a code and a sentence about the repository", async () => {
  const refused = async (fault: HubFault, text?: string) => {
    await using hub = await folderOf(({ kind }) => (kind === "api" ? fault : undefined), text);
    return await hub.open().then(
      () => undefined,
      (error: unknown) => error,
    );
  };
  expect(await refused(status(404))).toMatchObject({
    code: "not-found",
    message: expect.stringContaining("owner/model"),
  });
  expect(await refused(status(401))).toMatchObject({ code: "source-blocked" });
  expect(await refused(status(401, { "X-Error-Code": "RepoNotFound" }))).toMatchObject({ code: "not-found" });
  expect(await refused(status(403, { "X-Error-Code": "GatedRepo" }))).toMatchObject({
    code: "source-blocked",
  });
  await using hub = await folderOf(() => undefined, "owner/model@gone");
  await expect(hub.open()).rejects.toMatchObject({
    code: "not-found",
    message: expect.stringContaining("gone"),
  });
  await using cutFile = await folderOf(({ kind, file }) =>
    kind === "resolve" && file === "config.json" ? { kind: "length", by: -3 } : undefined,
  );
  const folder = await cutFile.open();
  await expect(folder.open("config.json")).rejects.toMatchObject({ code: "file-truncated" });
});

test("names and addresses", () => {
  const hub = (repo: string, revision = "main") => ({ kind: "hub", repo, revision });
  expect(parseLocator("a/b")).toEqual(hub("a/b"));
  expect(parseLocator("a/b.c@refs/pr/1")).toEqual(hub("a/b.c", "refs/pr/1"));
  expect(parseLocator("https://huggingface.co/a/b")).toEqual(hub("a/b"));
  expect(parseLocator("https://huggingface.co/a/b@v1")).toEqual(hub("a/b", "v1"));
  expect(parseLocator("https://huggingface.co/a/b/tree/dev/sub")).toEqual(hub("a/b", "dev"));
  expect(parseLocator("https://x.org/m/model.safetensors?a#b")).toEqual({
    kind: "url",
    base: "https://x.org/m/",
  });
  expect(parseLocator("https://x.org/m")).toEqual({ kind: "url", base: "https://x.org/m/" });
  for (const bad of [
    "a",
    "../b",
    "a/..",
    "a/b@../c",
    "a/b/c",
    "https://huggingface.co/a",
    "ftp://x/y",
    "https://",
    "a/b@-x",
  ]) {
    expect(() => parseLocator(bad), bad).toThrow(expect.objectContaining({ code: "not-found" }));
  }
  expect(() => parseLocator("https://u:p@x.org/")).toThrow(
    expect.objectContaining({ code: "source-blocked" }),
  );
});

let checkpoint: Record<string, Uint8Array> = {};
let scratch = "";
beforeAll(async () => {
  const names = await readdir(FIXTURE);
  checkpoint = Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, new Uint8Array(await readFile(join(FIXTURE, name)))] as const),
    ),
  );
  scratch = await mkdtemp(join(tmpdir(), "unmask-hub-"));
});
afterAll(() => rm(scratch, { recursive: true }));

test("a checkpoint of the hub opens, and inspect takes its name", async () => {
  await using hub = await folderOf(() => undefined, "owner/model", checkpoint);
  const opened = await openCheckpoint(await hub.open());
  expect(opened.tensors.size).toBeGreaterThan(10);
  const io = {
    json: true,
    interactive: false,
    signal: new AbortController().signal,
    print: vi.fn(),
    status: () => {},
    warn: () => {},
  };
  const byOption = await inspectCommand.run(["owner/model"], { hub: hub.server.url }, io);
  expect(byOption.json).toMatchObject({
    kind: "checkpoint",
    runnable: true,
    location: `owner/model@${hub.server.commit}`,
  });
  vi.stubEnv("HF_ENDPOINT", hub.server.url);
  const byVariable = await inspectCommand.run(["owner/model@main"], {}, io);
  expect(byVariable.json).toEqual(byOption.json);
  vi.unstubAllEnvs();
});
