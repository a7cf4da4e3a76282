import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeFolder } from "../convert/checkpoint/node-folder.ts";
import { exportCausal } from "../convert/export-causal.ts";
import { SMALL, writeRandomCheckpoint } from "../convert/random-checkpoint.ts";
import { nodeTarget } from "../convert/target/node-target.ts";
import { openCompanion } from "./open-companion.ts";

let scratch = "";
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-companion-"));
  const source = join(scratch, "source");
  await writeRandomCheckpoint(source, SMALL);
  const config = JSON.parse(await readFile(join(source, "config.json"), "utf8"));
  await writeFile(join(source, "config.json"), JSON.stringify({ ...config, model_type: "qwen3" }));
  const options = { dtypes: ["q8"], progress: () => {} } as const;
  await exportCausal(nodeFolder(source), () => nodeTarget(join(scratch, "out")), options);
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

test("transformers.js answers the same whatever was asked before, and its text follows its own guesses", async (context) => {
  const library = await import("@huggingface/transformers").catch(() => undefined);
  if (library === undefined) return context.skip("@huggingface/transformers is not installed");
  const { allowRemoteModels, localModelPath } = library.env;
  await using opened = await openCompanion({ model: join(scratch, "out") });
  expect(library.env).toMatchObject({ allowRemoteModels, localModelPath });
  const { companion } = opened;
  const ids = Int32Array.from({ length: 12 }, (_, i) => (i * 97 + 5) % 300);
  const fresh = await companion({ kind: "expect", ids });
  expect(fresh).toHaveLength(12);
  await companion({ kind: "expect", ids: ids.map((id, row) => (row < 5 ? id : id + 1)) });
  expect(await companion({ kind: "expect", ids })).toEqual(fresh);
  const [next] = await companion({ kind: "continue", ids, count: 1 });
  expect(next).toBe(fresh.at(-1));
});

test("a folder without a model is an error that names it", async (context) => {
  const library = await import("@huggingface/transformers").catch(() => undefined);
  if (library === undefined) return context.skip("@huggingface/transformers is not installed");
  const model = join(scratch, "nothing");
  await expect(openCompanion({ model })).rejects.toMatchObject({ code: "not-found" });
});
