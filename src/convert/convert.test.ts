import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deriveInt8 } from "../model/derive-int8.ts";
import { parseManifest } from "../model/manifest.ts";
import { nodeFolder } from "./checkpoint/node-folder.ts";
import { convertCheckpoint } from "./convert.ts";
import type { ConvertOptions } from "./convert-options.ts";
import { parseDtypes } from "./dtype.ts";
import { inspectBundle } from "./inspect.ts";
import { nodeTarget } from "./target/node-target.ts";

const FIXTURE = join(import.meta.dirname, "fixtures/a2d-qwen3-mdlm");
const MALFORMED = join(import.meta.dirname, "../../../shared/checkpoints/malformed");

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "unmask-convert-"));
});
afterAll(() => rm(root, { recursive: true }));

/** Converts `source` into a fresh folder; resolves with its path and the warnings. */
async function convert(
  source: string,
  name: string,
  dtypes: ConvertOptions["dtypes"],
  warnings: string[] = [],
) {
  const out = join(root, name);
  const warn = (code: string, message: string) => void warnings.push(`${code}: ${message}`);
  const options = { dtypes, name, warn, progress: () => {} };
  const manifest = await convertCheckpoint(nodeFolder(source), () => nodeTarget(out), options);
  return { out, warnings, manifest };
}

test("a bundle holds what its manifest says", async () => {
  const { out, manifest } = await convert(FIXTURE, "whole", ["q4", "int8"]);
  const json: unknown = JSON.parse(await readFile(join(out, "unmask.json"), "utf8"));
  expect(parseManifest(json)).toEqual(manifest);
  const checked: string[] = [];
  const check = async ({ path }: { path: string }) => void checked.push(path);
  await expect(inspectBundle(manifest, check)).resolves.toMatchObject({ kind: "bundle", runnable: true });
  expect(checked).toEqual(manifest.files.map(({ path }) => path));
  expect(manifest.tokens).toMatchObject({ mask: 341, eos: [338] });
  expect(manifest.tokens.suppress).toContain(511);
});

test("an existing bundle is replaced, any other folder is left alone", async () => {
  await convert(FIXTURE, "twice", ["q4"]);
  await convert(FIXTURE, "twice", ["q8"]);
  expect(await readdir(join(root, "twice/onnx"))).toEqual(["model_q8.onnx", "model_q8.onnx_data"]);
  await writeFile(join(root, "twice/notes.txt"), "mine");
  await expect(convert(FIXTURE, "twice", ["q4"])).rejects.toMatchObject({ code: "write-failed" });
  expect(await readFile(join(root, "twice/notes.txt"), "utf8")).toBe("mine");
  await writeFile(join(root, "file"), "");
  await expect(convert(FIXTURE, ".", ["q4"])).rejects.toMatchObject({ code: "write-failed" });
  expect((await readdir(root)).filter((name) => name.includes("partial"))).toEqual([]);
});

test("an unknown dtype is named", () => {
  expect(() => parseDtypes("q4,q5")).toThrow(/q5/);
});

test("a plan that reaches outside its file is refused", async () => {
  const { manifest } = await convert(FIXTURE, "plan", ["q4", "int8"]);
  const { derive } = manifest.variants["int8"]!;
  expect(() => deriveInt8(new Uint8Array(100), derive!)).toThrow(/outside/);
});

const absent = existsSync(MALFORMED) ? "" : " (../shared/checkpoints is not here)";
const rejected = [
  "duplicate-header-key",
  "empty-file",
  "gigantic-vocab",
  "header-length-max",
  "header-longer-than-file",
  "header-not-json",
  "heads-not-dividing",
  "huge-dims",
  "index-missing-shard",
  "index-path-traversal",
  "missing-tensor",
  "negative-dims",
  "non-finite",
  "only-pickle",
  "out-of-range-offsets",
  "overlapping-offsets",
  "reversed-offsets",
  "rope-parameters-dynamic",
  "rope-yarn",
  "size-mismatch",
  "tokenizer-without-mask",
  "trailing-bytes",
  "truncated-data",
  "unknown-dtype",
  "unsupported-moe",
  "wrong-shape",
];

const accepted = ["deep-json", "ok-base", "ok-extra-tensors", "ok-unaligned-header", "proto-keys"];
const warned = ["ok-lm-head-differs", "f16-overflow"];

describe.skipIf(absent !== "")(`malformed checkpoints${absent}`, () => {
  test("every case is among these", async () => {
    const names = (await readdir(MALFORMED)).filter((name) => name !== "decoy");
    expect(names.toSorted()).toEqual([...rejected, ...accepted, ...warned].toSorted());
  });

  test.each(rejected)("%s is refused by name and leaves nothing behind", async (name) => {
    const folder = join(MALFORMED, name);
    const expected = JSON.parse(await readFile(join(folder, "expected.json"), "utf8")) as {
      error_should_name: string[];
    };
    const error: unknown = await convert(folder, name, ["q4", "int8"]).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: expect.stringMatching(/^checkpoint-(invalid|unsupported)$/) });
    for (const part of expected.error_should_name) expect(String(error)).toContain(part);
    expect((await readdir(root)).filter((entry) => entry.includes(name))).toEqual([]);
  });

  test.each(accepted)("%s is converted", async (name) => {
    const { manifest } = await convert(join(MALFORMED, name), name, ["q4"]);
    expect(manifest.variants).toHaveProperty("q4");
    expect({}).not.toHaveProperty("polluted");
  });

  test("a different stored head and values beyond f16 are warned about by name", async () => {
    const head = await convert(join(MALFORMED, "ok-lm-head-differs"), "head", ["q4"]);
    expect(head.warnings.join()).toContain("lm_head.weight");
    const tensor = "model.layers.0.mlp.down_proj.weight";
    const q4 = await convert(join(MALFORMED, "f16-overflow"), "overflow", ["q4", "int8"]);
    expect(q4.warnings.join()).toContain(tensor);
    const warnings: string[] = [];
    const f16 = convert(join(MALFORMED, "f16-overflow"), "overflow-f16", ["f16"], warnings);
    await expect(f16).rejects.toMatchObject({ code: "checkpoint-unsupported" });
    expect(warnings.join()).toContain(tensor);
  });
});
