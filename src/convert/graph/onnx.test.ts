import fc from "fast-check";
import { expect, test } from "vitest";
import { varint } from "../../onnx/write.ts";
import { createGraph, layOut } from "./graph.ts";

test("a varint is base 128, low group first", () => {
  expect(varint(0)).toEqual([0]);
  expect(varint(300)).toEqual([0xac, 0x02]);
  expect(varint(-1)).toEqual([255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
  fc.assert(
    fc.property(fc.nat(), (value) => {
      const back = varint(value).reduce((sum, byte, i) => sum + (byte & 127) * 128 ** i, 0);
      expect(back).toBe(value);
    }),
  );
});

test("onnxruntime runs a graph written here, with external data", async () => {
  const g = createGraph();
  g.inputs.push({ name: "x", type: "f32", dims: [1, "N"] });
  g.outputs.push({ name: "y", type: "f32", dims: [1, "N"] });
  const half = Float32Array.of(0.5);
  const weight = {
    name: "half",
    type: "f32",
    dims: [1],
    bytes: 4,
    load: async () => new Uint8Array(half.buffer),
  } as const;
  g.op("Mul", ["x", g.weight(weight)], {}, "y");
  const plan = g.finish("data");
  const ort = await import("onnxruntime-web");
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(plan.model, {
    externalData: [{ path: "data", data: new Uint8Array(half.buffer) }],
  });
  const out = await session.run({ x: new ort.Tensor("float32", Float32Array.of(2, 4), [1, 2]) });
  expect(out["y"]?.data).toEqual(Float32Array.of(1, 2));
  await session.release();
});

test("weights are aligned, in order, and split over files at the limit", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1 }), (sizes) => {
      const weights = sizes.map((bytes, i) => ({
        name: `w${i}`,
        type: "u8" as const,
        dims: [bytes],
        bytes,
        load: async () => new Uint8Array(bytes),
      }));
      const shards = layOut(weights, "d", 700);
      expect(shards.flatMap(({ pieces }) => pieces.map(({ weight }) => weight.name))).toEqual(
        weights.map((w) => w.name),
      );
      shards.forEach((shard, i) => {
        expect(shard.location).toBe(i === 0 ? "d" : `d_${i}`);
        expect(shard.bytes).toBeLessThanOrEqual(700);
        let end = 0;
        for (const { offset, weight } of shard.pieces) {
          expect(offset % 64).toBe(0);
          expect(offset).toBeGreaterThanOrEqual(end);
          end = offset + weight.bytes;
        }
      });
    }),
  );
});
