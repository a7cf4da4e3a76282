import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openCheckpoint } from "../convert/checkpoint/checkpoint.ts";
import { faultServer } from "../runtime/store/fault-server.ts";
import { httpFile } from "./http-file.ts";
import { parseRetryAfter } from "./http-transfer.ts";
import { hubServer } from "./hub-server.ts";
import { nodeSpools } from "./node-spool.ts";
import { openNamedSource, openPageSource } from "./page-source.ts";
import { urlFolder } from "./url-folder.ts";

/** Checkpoints on plain web servers, which list nothing and may know no ranges. */
const SHARDED = join(import.meta.dirname, "../convert/fixtures/a2d-qwen2-mdlm");
const signal = new AbortController().signal;
const patience = { pausesMs: [1] };

let scratch = "";
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-url-"));
});
afterAll(() => rm(scratch, { recursive: true }));

test("a sharded checkpoint is found without a listing", async () => {
  await using server = await faultServer(SHARDED, () => undefined);
  const folder = urlFolder(server.url, { signal, patience });
  const opened = await openCheckpoint(folder);
  expect(opened.tensors.size).toBeGreaterThan(10);
  const asked = server.log.length;
  await folder.names();
  await folder.open("config.json");
  expect(server.log).toHaveLength(asked);
  await expect(folder.open("../config.json")).rejects.toMatchObject({ code: "checkpoint-invalid" });
});

test("a folder that is not there has no config.json; a server that fails is said to", async () => {
  await using empty = await faultServer(scratch, () => undefined);
  await expect(openCheckpoint(urlFolder(empty.url, { signal, patience }))).rejects.toMatchObject({
    code: "not-found",
  });
  await using broken = await faultServer(scratch, () => ({ kind: "status", status: 500 }));
  await expect(openCheckpoint(urlFolder(broken.url, { signal, patience }))).rejects.toMatchObject({
    code: "download-failed",
  });
});

test("a file whose server knows no ranges goes to a spool, which leaves nothing behind", async () => {
  const bytes = Uint8Array.from({ length: 500_000 }, (_, i) => i >> 4);
  await writeFile(join(scratch, "weights"), bytes);
  await writeFile(join(scratch, "none"), "");
  await using server = await faultServer(scratch, (_, count) =>
    count === 3 ? { kind: "cut", after: 200_000 } : { kind: "no-ranges" },
  );
  const before = (await readdir(tmpdir())).filter((name) => name.startsWith("unmask-spool-"));
  {
    await using spools = nodeSpools();
    const file = await httpFile(`${server.url}weights`, { signal, patience, openSpool: spools.openSpool });
    expect(file.size).toBe(bytes.length);
    expect(Buffer.compare(await file.read(123_456, 300_000), bytes.subarray(123_456, 423_456))).toBe(0);
    expect((await httpFile(`${server.url}none`, { signal, patience })).size).toBe(0);
  }
  expect((await readdir(tmpdir())).filter((name) => name.startsWith("unmask-spool-"))).toEqual(before);
});

test("a page opens only what its policy lets through, and says what to do otherwise", async () => {
  await using server = await faultServer(SHARDED, () => undefined);
  const connect = [new URL(server.url).origin];
  const folder = await openPageSource(server.url, { signal, patience, connect });
  expect(await folder.names()).toContain("config.json");
  for (const [text, list] of [
    ["https://elsewhere.org/model/", connect],
    [server.url, []],
    ["owner/model", connect],
  ] as const) {
    await expect(openPageSource(text, { signal, patience, connect: list })).rejects.toMatchObject({
      code: "source-blocked",
      message: expect.stringContaining("drop"),
    });
  }
});

test("a named source says where it is from and where its files stand", async () => {
  await using hub = await hubServer({ "unmask.json": new TextEncoder().encode("{}") });
  const connect = [hub.url];
  const options = { signal, patience, connect, endpoint: hub.url };
  const named = await openNamedSource(hub.repo, options);
  expect(named).toMatchObject({
    name: "model",
    origin: `owner/model@${hub.commit}`,
    base: `${hub.url}/owner/model/resolve/${hub.commit}/`,
  });
  expect(await (await fetch(`${named.base}unmask.json`)).text()).toBe("{}");
  const byAddress = await openNamedSource(`${hub.url}/folder/of/it`, options);
  expect(byAddress).toMatchObject({ name: "it", base: `${hub.url}/folder/of/it/` });
});

test("Retry-After is seconds or a date", () => {
  expect(parseRetryAfter("120", 0)).toBe(120_000);
  expect(parseRetryAfter(new Date(90_000).toUTCString(), 30_000)).toBe(60_000);
  expect(parseRetryAfter("soon", 0)).toBeUndefined();
  expect(parseRetryAfter(null, 0)).toBeUndefined();
});
