import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeFolder } from "../../convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../../convert/convert.ts";
import { nodeTarget } from "../../convert/target/node-target.ts";
import { parseManifest } from "../../model/manifest.ts";
import { openNodeEngine } from "../../runtime/host/node-engine.ts";
import { QUIET_IO } from "../io/quiet-io.ts";
import { fitCommand } from "./fit.ts";

/** Fits on a tiny random checkpoint: what they write is what the engine then decodes with. */
const CHECKPOINT = fileURLToPath(new URL("../../convert/fixtures/a2d-qwen3-mdlm", import.meta.url));
let scratch = "";
let model = "";
let prompts = "";

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-fit-"));
  model = join(scratch, "model");
  prompts = join(scratch, "prompts.jsonl");
  await convertCheckpoint(nodeFolder(CHECKPOINT), () => nodeTarget(model), {
    dtypes: ["q4", "int8"],
    name: "tiny",
    warn: () => {},
    progress: () => {},
  });
  await writeFile(prompts, ["a b", "c", "d e f", "b"].map((prompt) => JSON.stringify({ prompt })).join("\n"));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const runFit = (what: readonly string[], more: Readonly<Record<string, string>> = {}) =>
  fitCommand.run(what, { model, prompts, threads: "1", length: "12", block: "4", ...more }, QUIET_IO);

test("learn2pd puts a filter for each variant into the manifest, and learn2pd decodes with it", async () => {
  const copy = join(scratch, "copy");
  await cp(model, copy, { recursive: true });
  const out = join(copy, "unmask.json");
  const { json } = await runFit(["learn2pd"], { out, updates: "60" });
  expect(json["fits"]).toMatchObject([
    { variant: "q4", block: 4 },
    { variant: "int8", block: 4 },
  ]);
  const manifest = parseManifest(JSON.parse(await readFile(out, "utf8")));
  expect(manifest.filters!.map(({ variant, block }) => [variant, block])).toEqual([
    ["q4", 4],
    ["int8", 4],
  ]);
  // The variants predict alike but not the same, so each has its own filter.
  expect(manifest.filters![0]!.weights).not.toBe(manifest.filters![1]!.weights);
  await using engine = await openNodeEngine({ model: copy, threads: 1 });
  const recipe = { preset: "learn2pd", block: 4 };
  for await (const event of engine.generate("a b", { maxNewTokens: 8, recipe })) {
    if (event.type === "done") expect(event.tokens.length).toBeGreaterThan(0);
  }
  expect((await readdir(copy)).filter((name) => name.includes("partial"))).toEqual([]);
});

test("fitting again replaces the filter of the same weights and blocks and keeps the others", async () => {
  const copy = join(scratch, "again");
  await cp(model, copy, { recursive: true });
  const out = join(copy, "unmask.json");
  const more = { out, model: copy, updates: "10", variant: "int8" };
  for (const block of ["4", "6", "4"]) await runFit(["learn2pd"], { ...more, block });
  const manifest = parseManifest(JSON.parse(await readFile(out, "utf8")));
  expect(manifest.filters!.map(({ block }) => block)).toEqual([6, 4]);
});

test("schedule writes a recipe that plays the table it found", async () => {
  const out = join(scratch, "schedule.json");
  const { json } = await runFit(["schedule"], { out, steps: "2", rounds: "3", block: "6" });
  const recipe = JSON.parse(await readFile(out, "utf8"));
  expect(recipe).toEqual(json["recipe"]);
  expect(recipe).toMatchObject({ preset: "quota-table", block: 6 });
  expect(recipe.steps).toHaveLength(2);
  expect(recipe.steps[0] + recipe.steps[1]).toBe(6);
  expect((await runFit(["schedule"], { out, steps: "2", rounds: "3", block: "6" })).json).toEqual(json);
  await using engine = await openNodeEngine({ model, threads: 1 });
  for await (const event of engine.generate("a b", { maxNewTokens: 6, recipe })) {
    if (event.type === "done") expect(event.nfe).toBe(2);
  }
});

test("a bundle without a filter names the command that makes one", async () => {
  await using engine = await openNodeEngine({ model, threads: 1 });
  const events = engine.generate("a b", { maxNewTokens: 8, recipe: "learn2pd" });
  await expect(events[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "filter-missing" });
});

test.each([
  [[], {}, "usage"],
  [["learn2pd"], {}, "usage"],
  [["lern2pd"], { out: "x.json" }, "usage"],
  [["learn2pd"], { out: "no/such/folder/x.json" }, "write-failed"],
  [["learn2pd"], { out: "x.json", variant: "q3" }, "variant-missing"],
  [["learn2pd"], { out: "x.json", block: "1" }, "invalid-options"],
  [["learn2pd"], { out: "x.json", variant: "q4", runtime: "cuda" }, "invalid-options"],
  [["learn2pd"], { out: "x.json", limit: "0" }, "invalid-options"],
  [["schedule"], { out: "x.json", steps: "5" }, "invalid-options"],
  [["learn2pd"], { out: "x.json", prompts: CHECKPOINT }, "not-found"],
  [["learn2pd"], { out: "x.json", prompts: `${CHECKPOINT}/config.json` }, "invalid-options"],
] as const)("fit %j %j is refused with %s", async (what, more, code) => {
  await expect(runFit(what, more)).rejects.toMatchObject({ code });
});
