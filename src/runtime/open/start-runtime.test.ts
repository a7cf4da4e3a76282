import { expect, test } from "vitest";
import { encodeModel, type OnnxValue } from "../../onnx/write.ts";
import type { OrtModule } from "../ort/ort.ts";
import { startRuntime } from "./start-runtime.ts";

test("starts the runtime with an identity graph, on WASM whatever the backend, and lets go of it", async () => {
  const log: unknown[] = [];
  const ort = {
    env: { wasm: {} },
    InferenceSession: {
      create: async (model: unknown, options: unknown) => {
        log.push(model, options);
        return { release: async () => void log.push("released") };
      },
    },
  } as unknown as OrtModule;
  const started = await startRuntime(ort, { kind: "webgpu", half: false, threads: 1, reason: "a test" });
  expect(started).toBe(ort);
  const value = (name: string): OnnxValue => ({ name, type: "f32", dims: [1] });
  const node = { op: "Identity", domain: "", inputs: ["x"], outputs: ["y"], attributes: {} } as const;
  const model = encodeModel({ nodes: [node], initializers: [], inputs: [value("x")], outputs: [value("y")] });
  expect(log).toEqual([model, { executionProviders: ["wasm"] }, "released"]);
});
