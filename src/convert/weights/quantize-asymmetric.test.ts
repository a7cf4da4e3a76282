import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { loadModel } from "../../runtime/open/load-model.ts";
import { nodePlatform } from "../../runtime/platform/platform-node.ts";
import { nodeFolder } from "../checkpoint/node-folder.ts";
import { convertCheckpoint } from "../convert.ts";
import { parseQ4Extras, type Q4Extra } from "../q4-recipe.ts";
import { nodeTarget } from "../target/node-target.ts";
import { dequantize, quantize } from "./quantize.ts";
import { quantizeAsymmetric } from "./quantize-asymmetric.ts";

const error = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);

test("errors are smaller than with symmetric blocks, far smaller where a block lies to one side", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1 << 20 }), (salt) => {
      const weights = Float32Array.from({ length: 40 * 70 }, (_, i) => Math.sin(salt + i * i) + 0.3);
      const own = error(weights, dequantize(quantizeAsymmetric(weights, 40, 70, "f32"), 40, 70, 4));
      const other = error(weights, dequantize(quantize(weights, 40, 70, 4, "f32", "search"), 40, 70, 4));
      expect(own).toBeLessThan(other);
    }),
    { numRuns: 20 },
  );
  const positive = Float32Array.from({ length: 64 }, (_, i) => 1 + (i % 32) / 31);
  const asymmetric = error(positive, dequantize(quantizeAsymmetric(positive, 1, 64, "f32"), 1, 64, 4));
  const symmetric = error(positive, dequantize(quantize(positive, 1, 64, 4, "f32", "search"), 1, 64, 4));
  expect(asymmetric).toBeLessThan(symmetric / 3);
});

test("zero points stand a nibble a block, rows apart; what fills up a row stands for zero", () => {
  // Three blocks a row: all negative, all zero, all positive and short.
  const row = Array.from({ length: 80 }, (_, i) => (i < 32 ? -1 - i : i < 64 ? 0 : i));
  const { packed, zeros, scales } = quantizeAsymmetric(Float32Array.from([...row, ...row]), 2, 80, "f16");
  expect([...zeros]).toEqual([0x8f, 0x80, 0x8f, 0x80]);
  expect(scales[1]).toBe(1);
  expect([...packed.subarray(16, 32)]).toEqual(Array(16).fill(0x88));
  expect([...packed.subarray(40, 48)]).toEqual(Array(8).fill(0));
  const back = dequantize({ packed, scales, zeros }, 2, 80, 4);
  expect(Math.abs(back[79]! - 79)).toBeLessThan(3);
  expect(back.slice(32, 64).every((value) => value === 0)).toBe(true);
});

test.each<[readonly Q4Extra[]]>([[["asymmetric"]], [["mixed"]], [["asymmetric", "mixed"]]])(
  "a bundle with %j computes on WASM what its weights say, and so does its int8",
  async (q4) => {
    const folder = await mkdtemp(join(tmpdir(), "unmask-q4-"));
    try {
      const checkpoint = nodeFolder(join(import.meta.dirname, "../fixtures/a2d-qwen2-mdlm"));
      const out = join(folder, "bundle");
      const options = {
        dtypes: ["q4", "int8"] as const,
        q4,
        name: "tiny",
        warn: () => {},
        progress: () => {},
      };
      const { variants } = await convertCheckpoint(checkpoint, () => nodeTarget(out), options);
      const bits = variants["int8"]!.derive!.matrices.map((matrix) => matrix.bits);
      // The head, and v and down of both layers.
      expect(bits.filter((value) => value === 8)).toHaveLength(q4.includes("mixed") ? 5 : 1);
      for (const variant of ["q4", "int8"]) {
        const signal = new AbortController().signal;
        const model = await loadModel(nodePlatform(), out, { variant, threads: 1 }, () => {}, signal);
        expect(model.info.selfTest!.maxError).toBeLessThanOrEqual(model.info.selfTest!.tolerance);
        await model.denoiser.dispose();
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

test("recipes are named", () => {
  expect(parseQ4Extras("mixed, asymmetric,mixed")).toEqual(["asymmetric", "mixed"]);
  expect(() => parseQ4Extras("__proto__")).toThrow(expect.objectContaining({ code: "invalid-options" }));
});
