import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deriveInt8 } from "../../model/derive-int8.ts";
import type { Manifest } from "../../model/manifest.ts";
import { nodeFolder } from "../checkpoint/node-folder.ts";
import { convertCheckpoint } from "../convert.ts";
import { openGraph } from "../graph/run-graph.ts";
import { nodeTarget } from "../target/node-target.ts";

/** The golden forward is made without a runtime; a runtime must agree with it, far inside what a load tolerates. */
const SHARE = { f32: 0.05, f16: 0.5, q8: 0.05, q4: 0.05, int8: 0.25 } as const;
type Dtype = keyof typeof SHARE;

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "unmask-golden-"));
});
afterAll(() => rm(root, { recursive: true }));

/** Largest difference of the recorded logits from those of the graph on onnxruntime. */
async function errorOf(out: string, manifest: Manifest, dtype: Dtype): Promise<number> {
  const { graph, data, from, derive } = manifest.variants[dtype]!;
  const read = async (path: string) => new Uint8Array(await readFile(join(out, path)));
  const files = await Promise.all(
    data.map(async (path) => ({ path: path.replace("onnx/", ""), data: await read(path) })),
  );
  if (derive !== undefined) {
    const base = await read(manifest.variants[from!]!.data[0]!);
    files.push({ path: "model_int8.onnx_data", data: deriveInt8(base, derive) });
  }
  const type = dtype === "f16" ? "f16" : "f32";
  const runner = await openGraph(await read(graph), files, {
    ...manifest,
    type,
  });
  const { ids, positions, byVariant } = manifest.golden;
  const { logits } = await runner.run({ ids, positions, rows: positions });
  await runner.dispose();
  const { topIds, topLogits } = byVariant[dtype]!;
  const errors = topIds.flatMap((row, at) =>
    row.map((id, i) => Math.abs(logits[at * manifest.vocab + id]! - topLogits[at]![i]!)),
  );
  return Math.max(...errors);
}

// Grouped heads that are folded, windows with a prediction head, and folded AdaLN with an untied head.
test.each(["a2d-qwen3-mdlm", "modernbert-chat", "mdlm-dit"])("%s in every dtype", async (name) => {
  const source = join(import.meta.dirname, "../fixtures", name);
  const out = join(root, name);
  const dtypes = Object.keys(SHARE) as Dtype[];
  const manifest = await convertCheckpoint(nodeFolder(source), (key) => nodeTarget(out, key), {
    dtypes,
    name,
    warn: () => {},
    progress: () => {},
  });
  for (const dtype of Object.keys(manifest.golden.byVariant) as Dtype[]) {
    const { tolerance } = manifest.golden.byVariant[dtype]!;
    expect(await errorOf(out, manifest, dtype), dtype).toBeLessThan(SHARE[dtype] * tolerance);
  }
  expect(Object.keys(manifest.golden.byVariant)).toEqual(expect.arrayContaining(["f32", "f16", "q8", "q4"]));
});
