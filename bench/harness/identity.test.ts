import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PRESET_NAMES } from "../../src/strategies/recipe/presets.ts";
import { presetIdentity, sharedCode } from "./identity.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
let root = "";

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "identity-"));
  for (const folder of ["src", "bench/harness"])
    cpSync(join(ROOT, folder), join(root, folder), { recursive: true });
});
afterAll(() => rmSync(root, { recursive: true }));

/** Fingerprints of everything while a file of the copy is changed. */
async function withChange(file: string, change: (text: string) => string) {
  const path = join(root, file);
  const before = readFileSync(path, "utf8");
  expect(change(before)).not.toBe(before);
  writeFileSync(path, change(before));
  try {
    return await fingerprints();
  } finally {
    writeFileSync(path, before);
  }
}

async function fingerprints() {
  const presets = await Promise.all(PRESET_NAMES.map((name) => presetIdentity(name, root)));
  return {
    shared: await sharedCode(root),
    presets: new Map(PRESET_NAMES.map((name, i) => [name, presets[i]!])),
  };
}

async function changedBy(file: string, change: (text: string) => string): Promise<string[]> {
  const [before, after] = [await fingerprints(), await withChange(file, change)];
  const own = PRESET_NAMES.filter((name) => before.presets.get(name) !== after.presets.get(name));
  return [...(before.shared === after.shared ? [] : ["shared"]), ...own];
}

const DECODERS = "src/strategies/decoders";

test("work on one decoder leaves the results of the others", async () => {
  expect(
    await changedBy(`${DECODERS}/klass.ts`, (text) => text.replace("divergence: 0.015", "divergence: 0.02")),
  ).toEqual(["klass"]);
  expect(
    await changedBy("src/strategies/recipe/presets.ts", (text) =>
      text.replace('dreamPreset("margin"', 'dreamPreset("entropy"'),
    ),
  ).toEqual(["dream-margin"]);
});

test("a decoder that is a piece of recipes too counts for all of them", async () => {
  expect(await changedBy(`${DECODERS}/eotp.ts`, (text) => `${text}\nexport const more = 1;`)).toContain(
    "shared",
  );
});

test("what all decoders share, the runtime and the judge of answers count for all", async () => {
  for (const file of [
    "src/strategies/decode.ts",
    "src/math/row-stats.ts",
    "src/search/judge.ts",
    "bench/harness/task-prompts.ts",
  ]) {
    expect(await changedBy(file, (text) => `${text}\nexport const more = 1;`), file).toContain("shared");
  }
});

test("comments, types, tests and code that nothing here runs count for nothing", async () => {
  expect(await changedBy("src/strategies/decode.ts", (text) => `/** More words. */\n${text}`)).toEqual([]);
  expect(await changedBy("src/core/types.ts", (text) => `${text}\nexport type More = 1;`)).toEqual([]);
  expect(
    await changedBy("src/strategies/golden/replay.ts", (text) => `${text}\nexport const more = 1;`),
  ).toEqual([]);
  expect(await changedBy("src/element/view.ts", (text) => `${text}\nexport const more = 1;`)).toEqual([]);
});
