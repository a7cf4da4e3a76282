import { access, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeFolder } from "./checkpoint/node-folder.ts";
import { exportCausal } from "./export-causal.ts";
import { SMALL, writeRandomCheckpoint } from "./random-checkpoint.ts";
import { nodeTarget } from "./target/node-target.ts";

let scratch = "";
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-causal-"));
  await writeRandomCheckpoint(join(scratch, "source"), SMALL);
  const config = JSON.parse(await readFile(join(scratch, "source/config.json"), "utf8"));
  await writeFile(join(scratch, "source/config.json"), JSON.stringify({ ...config, model_type: "qwen3" }));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const quiet = { dtypes: ["f32", "q8"], progress: () => {} } as const;

test("writes the files that transformers.js asks for, and can be run by it", async (context) => {
  const out = join(scratch, "out");
  const { files } = await exportCausal(nodeFolder(join(scratch, "source")), () => nodeTarget(out), quiet);
  expect(files.map(({ path }) => path).sort()).toEqual([
    "config.json",
    "generation_config.json",
    "onnx/model.onnx",
    "onnx/model_quantized.onnx",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
  expect(JSON.parse(await readFile(join(out, "generation_config.json"), "utf8"))).toEqual({
    eos_token_id: 338,
  });
  const library = await import("@huggingface/transformers").catch(() => undefined);
  if (library === undefined) return context.skip("@huggingface/transformers is not installed");
  const { AutoModelForCausalLM, AutoTokenizer, Tensor } = library;
  const tokenizer = await AutoTokenizer.from_pretrained(out, { local_files_only: true });
  const greedy: number[][] = [];
  for (const dtype of ["fp32", "q8"] as const) {
    const model = await AutoModelForCausalLM.from_pretrained(out, {
      dtype,
      device: "cpu",
      local_files_only: true,
    });
    const inputs = await tokenizer("one two three");
    const ids = await model.generate({ ...inputs, max_new_tokens: 6, do_sample: false });
    greedy.push(Array.from((ids as InstanceType<typeof Tensor>).data as BigInt64Array, Number));
    await model.dispose();
  }
  const [f32 = [], q8 = []] = greedy;
  expect(f32.length).toBeGreaterThan(6);
  expect(q8.slice(0, f32.length - 6)).toEqual(f32.slice(0, f32.length - 6));
});

test("what cannot be exported leaves nothing behind", async () => {
  const out = join(scratch, "never");
  const source = nodeFolder(join(scratch, "source"));
  const refused = (names: readonly string[]) => ({ ...source, names: async () => names });
  const target = () => nodeTarget(out);
  await expect(
    exportCausal(refused(["config.json", "model.safetensors"]), target, quiet),
  ).rejects.toMatchObject({ code: "checkpoint-unsupported" });
  const stop = () => {
    throw new Error("stopped");
  };
  await expect(exportCausal(source, target, { ...quiet, progress: stop })).rejects.toThrow("stopped");
  await expect(access(out)).rejects.toThrow();
  expect((await readdir(scratch)).filter((name) => name.includes("never"))).toEqual([]);
});
