import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeFolder } from "../convert/checkpoint/node-folder.ts";
import { wasmHost } from "../convert/graph/graph-host.ts";
import { verifyCheckpoint } from "../convert/verify.ts";
import { QUIET_IO } from "./io/quiet-io.ts";
import { verifyCommand } from "./verify.ts";

const FIXTURES = join(import.meta.dirname, "../convert/fixtures");
const MATRICES = join(FIXTURES, "quant-edge");

let scratch = "";
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-verify-"));
});
afterAll(() => rm(scratch, { recursive: true }));

test("a backend that is not there is an option out of range, and a folder is looked at before a browser starts", async () => {
  const run = (folder: string, backend: string) => verifyCommand.run([folder], { backend }, QUIET_IO);
  await expect(run(MATRICES, "cuda")).rejects.toMatchObject({ code: "invalid-options" });
  await expect(run(join(scratch, "missing"), "webgpu")).rejects.toMatchObject({ code: "not-found" });
});

test("cases may be links to folders; other entries and links to nothing are passed over", async () => {
  const cases = join(scratch, "cases");
  await mkdir(cases);
  await symlink(MATRICES, join(cases, "linked"));
  await symlink(join(scratch, "nothing"), join(cases, "dangling"));
  await writeFile(join(cases, "notes.txt"), "not a case");
  const { json } = await verifyCommand.run([cases], {}, QUIET_IO);
  const { pass, cases: found } = json as { pass: boolean; cases: { name: string }[] }; // the document of the command
  expect(pass).toBe(true);
  expect(new Set(found.map(({ name }) => name.split("/")[0]))).toEqual(new Set(["linked"]));
  await rm(join(cases, "linked"));
  await expect(verifyCommand.run([cases], {}, QUIET_IO)).rejects.toMatchObject({ code: "not-found" });
});

test("a case whose weights are more than the place takes is left out with its reason", async () => {
  const skipped: string[] = [];
  const place = {
    backend: "webgpu",
    host: await wasmHost(),
    maxBytes: 1000,
    skip: (name: string, reason: string) => skipped.push(`${name}: ${reason}`),
  } as const;
  expect(await verifyCheckpoint(nodeFolder(join(FIXTURES, "llada")), "llada", place)).toEqual([]);
  expect(skipped).toEqual([expect.stringMatching(/^llada: its \d+ bytes of weights are more than the 1000/)]);
});

test("f16 is left out where it cannot be computed", async () => {
  const skipped: string[] = [];
  const place = {
    backend: "webgpu",
    host: await wasmHost(),
    noHalf: "no shader-f16",
    skip: (name: string, reason: string) => skipped.push(`${name}: ${reason}`),
  } as const;
  const found = await verifyCheckpoint(nodeFolder(join(FIXTURES, "sdar")), "sdar", place);
  expect(skipped).toEqual(["sdar/f16: no shader-f16"]);
  expect(new Set(found.map(({ dtype }) => dtype))).toEqual(new Set(["f32", "q4", "q8"]));
  expect(found.every(({ pass }) => pass)).toBe(true);
});
