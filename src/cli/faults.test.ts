import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SMALL, writeRandomCheckpoint } from "../convert/random-checkpoint.ts";
import { type HubFault, type HubRequest, hubServer } from "../sources/hub-server.ts";
import { convertCommand } from "./convert.ts";
import { inspectCommand } from "./inspect.ts";
import { QUIET_IO } from "./io/quiet-io.ts";

/** What a hub does wrong, as a command meets it: a code, and nothing on disk. */
const WEIGHTS = "model.safetensors";

let scratch = "";
let source = "";
const files: Record<string, Uint8Array> = {};
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-cli-faults-"));
  source = await mkdtemp(join(tmpdir(), "unmask-cli-source-"));
  // Large enough for ranges.
  await writeRandomCheckpoint(source, SMALL);
  for (const name of await readdir(source)) {
    files[name] = new Uint8Array(await readFile(join(source, name)));
  }
});
afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
  await rm(source, { recursive: true, force: true });
});

const status = (code: number, headers: Record<string, string> = {}): HubFault => {
  return { kind: "status", status: code, headers };
};
const at =
  (kind: HubRequest["kind"], fault: HubFault, file?: string) =>
  (request: HubRequest): HubFault | undefined =>
    request.kind === kind && (file === undefined || request.file === file) ? fault : undefined;

test.each<[string, (request: HubRequest) => HubFault | undefined, string, string]>([
  ["no such repository", at("api", status(404)), "owner/model", "not-found"],
  ["no such revision", () => undefined, "owner/model@gone", "not-found"],
  ["a private one", at("api", status(401)), "owner/model", "source-blocked"],
  ["a gated file", at("cdn", status(403, { "X-Error-Code": "GatedRepo" })), "owner/model", "source-blocked"],
  ["too many requests", at("api", status(429, { "Retry-After": "9999" })), "owner/model", "download-failed"],
  ["a listing that is none", at("api", status(200)), "owner/model", "download-failed"],
  ["a listed file that is gone", at("resolve", status(404), WEIGHTS), "owner/model", "not-found"],
  ["a short file", at("resolve", { kind: "length", by: -9 }, "config.json"), "owner/model", "file-truncated"],
  ["a long file", at("resolve", { kind: "length", by: 9 }, "config.json"), "owner/model", "file-truncated"],
  ["a long range", at("cdn", { kind: "length", by: 9 }), "owner/model", "download-failed"],
])("%s", async (_, faultOf, name, code) => {
  await using hub = await hubServer(files, faultOf);
  const options = { hub: hub.url };
  await expect(inspectCommand.run([name], options, QUIET_IO)).rejects.toMatchObject({ code });
  const out = join(scratch, "out");
  await expect(convertCommand.run([name], { ...options, out }, QUIET_IO)).rejects.toMatchObject({ code });
  expect(await readdir(scratch)).toEqual([]);
});

test("weights that are others half way are never mixed: the conversion ends, and leaves nothing", async () => {
  const changed: HubFault = { kind: "other", etag: '"second"' };
  await using hub = await hubServer(files, ({ kind, count }) =>
    kind === "cdn" && count > 2 ? changed : undefined,
  );
  const out = join(scratch, "out");
  const converted = convertCommand.run(["owner/model"], { hub: hub.url, out }, QUIET_IO);
  await expect(converted).rejects.toMatchObject({ code: "source-changed" });
  expect(await readdir(scratch)).toEqual([]);
});

test("signed addresses that expire between any two requests are asked for anew", async () => {
  await using hub = await hubServer(files, ({ kind, count }) => {
    if (kind === "cdn" && count % 2 === 0) hub.expire();
    return undefined;
  });
  const out = join(scratch, "expiring");
  await convertCommand.run(["owner/model"], { hub: hub.url, out, dtype: "q4" }, QUIET_IO);
  expect(hub.log.filter((line) => line.startsWith(`resolve ${WEIGHTS}`)).length).toBeGreaterThan(2);
  const whole = join(scratch, "whole");
  await convertCommand.run([source], { out: whole, dtype: "q4" }, QUIET_IO);
  const data = "onnx/model_q4.onnx_data";
  expect(await readFile(join(out, data))).toEqual(await readFile(join(whole, data)));
});
