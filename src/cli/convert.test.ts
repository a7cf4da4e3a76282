import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SMALL, writeRandomCheckpoint } from "../convert/random-checkpoint.ts";
import { convertCommand } from "./convert.ts";
import { QUIET_IO } from "./io/quiet-io.ts";

let scratch = "";
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-cli-convert-"));
  await writeRandomCheckpoint(join(scratch, "source"), SMALL);
  const config = JSON.parse(await readFile(join(scratch, "source/config.json"), "utf8"));
  await writeFile(join(scratch, "source/config.json"), JSON.stringify({ ...config, model_type: "qwen3" }));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const run = (values: Record<string, string>) =>
  convertCommand.run([join(scratch, "source")], { out: join(scratch, "out"), ...values }, QUIET_IO);

test("--as transformers-js writes q8 unless told otherwise, and leaves what stands there alone", async () => {
  const { json } = await run({ as: "transformers-js" });
  expect(json).toMatchObject({ layout: "transformers-js", family: "qwen3", variants: ["q8"], files: 5 });
  const graph = join(scratch, "out/onnx/model_quantized.onnx");
  const { size, mtimeMs } = await stat(graph);
  expect(size).toBeGreaterThan(1e6);
  await expect(run({ as: "transformers-js" })).rejects.toMatchObject({ code: "write-failed" });
  expect((await stat(graph)).mtimeMs).toBe(mtimeMs);
});

test.each<[Record<string, string>, string]>([
  [{ as: "gguf" }, "bundle or transformers-js"],
  [{ as: "transformers-js", dtype: "f16" }, "known: f32, q8, q4"],
  [{ as: "transformers-js", profile: "mdlm" }, "--profile does not apply"],
])("%j is refused", async (values, message) => {
  await expect(run(values)).rejects.toMatchObject({
    code: "invalid-options",
    message: expect.stringContaining(message),
  });
});
