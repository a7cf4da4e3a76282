import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { InferenceSession, Tensor } from "onnxruntime-web";
import { expect, test } from "vitest";
import { cutGraph } from "./cut-graph.ts";

/** The embedded model's own graph, cut and put together again. */
const MODEL = fileURLToPath(new URL("../../../public/models/default/onnx/model_q4.onnx", import.meta.url));
const LAYERS = 7;
const WIDTH = 320;
const CELLS = 12;

test.each([-1, 0, 3])(
  "the two parts of a graph that is cut behind layer %d compute what it computed",
  async (where) => {
    const ort = await import("onnxruntime-web");
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "error";
    const graph = await readFile(MODEL);
    const externalData = [{ path: "model_q4.onnx_data", data: await readFile(`${MODEL}_data`) }];
    const longs = (values: number[], dims: number[]) =>
      new ort.Tensor("int64", BigInt64Array.from(values, BigInt), dims);
    const rows = Array.from({ length: CELLS }, (_, row) => row);
    const nothing = new ort.Tensor("float32", new Float32Array(0), [1, 0, WIDTH]);
    const feeds: Record<string, Tensor> = {
      input_ids: longs(
        rows.map((row) => (row * 37) % 4096),
        [1, CELLS],
      ),
      position_ids: longs(rows, [1, CELLS]),
      logit_indices: longs([2, 5], [2]),
    };
    for (let layer = 0; layer < LAYERS; layer++) {
      feeds[`past_k.${layer}`] = nothing;
      feeds[`past_v.${layer}`] = nothing;
    }
    const run = async (model: Uint8Array, more: Record<string, Tensor> = {}) => {
      const session: InferenceSession = await ort.InferenceSession.create(model, { externalData });
      const all = { ...feeds, ...more };
      const own = Object.fromEntries(session.inputNames.map((name) => [name, all[name]!]));
      const out = await session.run(own);
      await session.release();
      return out;
    };
    const whole = await run(graph);
    const { lower, upper, cut } = cutGraph(graph, where, WIDTH);
    const below = await run(lower);
    const above = await run(upper, below);
    expect(Object.keys(below).sort()).toEqual(
      [...cut, ...rows.slice(0, where + 1).flatMap((layer) => [`new_k.${layer}`, `new_v.${layer}`])].sort(),
    );
    expect(Object.keys(above)).toHaveLength(1 + 2 * (LAYERS - where - 1));
    expect(above["logits"]!.data).toEqual(whole["logits"]!.data);
  },
);

test("a place that the graph does not have is refused", async () => {
  const graph = await readFile(MODEL);
  expect(() => cutGraph(graph, LAYERS, WIDTH)).toThrow("no boundary behind layer 7");
  expect(() => cutGraph(new Uint8Array(0), -1, WIDTH)).toThrow("no embedding");
});
