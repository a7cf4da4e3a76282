import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isUnmaskError } from "../core/errors.ts";
import { type CheckpointFolder, memorySource } from "./checkpoint/byte-source.ts";
import { openCheckpoint } from "./checkpoint/checkpoint.ts";
import { duplicateKey } from "./checkpoint/json.ts";
import { convertCheckpoint } from "./convert.ts";
import { nodeTarget } from "./target/node-target.ts";

/** Checkpoints made to hurt: each ends in a typed error and leaves nothing behind, nor a changed prototype. */
const FIXTURE = join(import.meta.dirname, "fixtures/a2d-qwen3-mdlm");
const NAMES = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"];

let root = "";
const files = new Map<string, Uint8Array>();
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "unmask-hostile-"));
  for (const name of NAMES) files.set(name, new Uint8Array(await readFile(join(FIXTURE, name))));
});
afterAll(() => rm(root, { recursive: true }));

const encode = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

/** The fixture with other files in it; null takes one away. */
function folderWith(changes: Readonly<Record<string, Uint8Array | null>>): CheckpointFolder {
  const changed = new Map(files);
  for (const [name, bytes] of Object.entries(changes)) {
    if (bytes === null) changed.delete(name);
    else changed.set(name, bytes);
  }
  return {
    name: "hostile",
    names: async () => [...changed.keys()],
    open: async (name) => {
      const bytes = changed.get(name);
      if (bytes === undefined) throw new Error(`asked for ${name}, which is not in the folder`);
      return memorySource(bytes);
    },
  };
}

/** The code a conversion ends with. */
async function codeOf(changes: Readonly<Record<string, Uint8Array | null>>): Promise<string> {
  const error: unknown = await convertCheckpoint(
    folderWith(changes),
    (key) => nodeTarget(join(root, "deep/out"), key),
    { dtypes: ["q4"], name: "hostile", warn: () => {}, progress: () => {} },
  ).then(
    () => "converted",
    (reason: unknown) => reason,
  );
  expect({}).not.toHaveProperty("polluted");
  if (error === "converted") {
    await rm(join(root, "deep"), { recursive: true });
    return "converted";
  }
  expect(await readdir(root)).toEqual([]);
  if (!isUnmaskError(error)) throw error;
  expect(error.message.length).toBeLessThan(2000);
  return error.code;
}

const config = (changes: Readonly<Record<string, unknown>>) => {
  const json = JSON.parse(new TextDecoder().decode(files.get("config.json"))) as Record<string, unknown>;
  return { "config.json": encode({ ...json, ...changes }) };
};

test("hostile configurations are refused before anything is allocated by them", async () => {
  const numbers = [0, -1, 1.5, 1e308, Number.MAX_SAFE_INTEGER, "64", null, [], {}, true];
  for (const key of [
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
  ]) {
    for (const value of numbers) {
      expect(await codeOf(config({ [key]: value })), `${key}: ${String(value)}`).toMatch(/^checkpoint-/);
    }
  }
  for (const changes of [
    { rope_theta: -1 },
    { rms_norm_eps: "x" },
    { model_type: "__proto__" },
    { model_type: "constructor" },
    { model_type: { toString: "a2d-qwen3" } },
    { model_type: "x".repeat(100_000) },
    { rope_parameters: { rope_type: "yarn" } },
    { head_dim: 2 ** 40 },
    { num_key_value_heads: 3 },
  ]) {
    expect(await codeOf(config(changes)), JSON.stringify(changes).slice(0, 60)).toMatch(/^checkpoint-/);
  }
  const text = new TextDecoder()
    .decode(files.get("config.json"))
    .replace("{", '{"__proto__":{"polluted":1,"model_type":"sdar"},');
  await openCheckpoint(folderWith({ "config.json": encode(text) }));
  expect({}).not.toHaveProperty("polluted");
  for (const bytes of ["", "[]", "null", '"a"', "{", "\u0000", `${"[".repeat(1e6)}`]) {
    expect(await codeOf({ "config.json": encode(bytes) })).toBe("checkpoint-invalid");
  }
});

const tokenizer = (changes: Readonly<Record<string, unknown>>) => {
  const json = JSON.parse(new TextDecoder().decode(files.get("tokenizer.json"))) as Record<string, unknown>;
  return { "tokenizer.json": encode({ ...json, ...changes }) };
};

test("hostile tokenizers are refused: patterns, depth, ids", async () => {
  const split = (Regex: string) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated" });
  for (const Regex of ["(a+)+$", "(a|a)*b", String.raw`(x)\1`, "a".repeat(20_000), "(a{999}){999}"]) {
    expect(await codeOf(tokenizer({ pre_tokenizer: split(Regex) })), Regex.slice(0, 20)).toBe(
      "tokenizer-invalid",
    );
  }
  const deep = `{"pre_tokenizer":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
  expect(await codeOf({ "tokenizer.json": encode(deep) })).toBe("tokenizer-invalid");
  expect(await codeOf(tokenizer({ added_tokens: "no" }))).toBe("checkpoint-unsupported");
  for (const id of [-1, 1.5, 1e300, "341", null]) {
    const added_tokens = [{ id, content: "<|mask|>", special: true }];
    expect(await codeOf(tokenizer({ added_tokens })), String(id)).toMatch(/^checkpoint-/);
  }
  const beyond = [{ id: 9999, content: "<|mask|>", special: true }];
  expect(await codeOf(tokenizer({ added_tokens: beyond }))).toBe("checkpoint-invalid");
  for (const bytes of ["", "[]", "{", "7"]) {
    expect(await codeOf({ "tokenizer.json": encode(bytes) })).toBe("checkpoint-invalid");
  }
});

test("index and sidecar files reach nothing outside and allocate nothing", async () => {
  const index = (weight_map: unknown) => ({
    "model.safetensors": null,
    "model.safetensors.index.json": encode({ weight_map }),
  });
  for (const name of [
    "../x.safetensors",
    "/etc/x.safetensors",
    "a/b.safetensors",
    "..",
    "__proto__",
    "x.bin",
    ".x.safetensors",
    7,
    null,
  ]) {
    expect(await codeOf(index({ "model.norm.weight": name })), String(name)).toBe("checkpoint-invalid");
  }
  for (const map of [[], "x", null, {}])
    expect(await codeOf(index(map)), JSON.stringify(map)).toBe("checkpoint-invalid");
  const many = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`t${i}`, "gone.safetensors"]));
  expect(await codeOf(index(many))).toBe("checkpoint-invalid");
  for (const sidecar of [
    { maxCanvas: 1e9 },
    { tokens: { mask: -1 } },
    { unknown: 1 },
    { recipes: [] },
    { modes: { __proto__: null, a: 1 } },
  ]) {
    expect(await codeOf({ "unmask.bundle.json": encode(sidecar) }), JSON.stringify(sidecar)).toBe(
      "checkpoint-invalid",
    );
  }
});

test("a header of one long string or of many escapes overflows no stack", () => {
  for (const name of ["a".repeat(5_000_000), "\\n".repeat(2_000_000)]) {
    expect(duplicateKey(`{"${name}":1,"b":{"b":2},"c":"}\\""}`)).toBeUndefined();
    expect(duplicateKey(`{"${name}":1,"b":2,"\\u0062":3}`)).toBe("b");
  }
});
