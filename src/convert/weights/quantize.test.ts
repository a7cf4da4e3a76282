import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { toHalf } from "../../math/half.ts";
import { openCheckpoint } from "../checkpoint/checkpoint.ts";
import { nodeFile, nodeFolder } from "../checkpoint/node-folder.ts";
import { readFloats, readSafetensors, type TensorEntry } from "../checkpoint/safetensors.ts";
import { quantize } from "./quantize.ts";
import { bytesOf } from "./weights.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures");
const CASES = ["a2d-qwen3-mdlm", "a2d-qwen2-mdlm", "quant-edge"];

describe.each(CASES)("the exact recipe on %s", (name) => {
  test("gives the fixture's packed bytes and scales, byte for byte", async () => {
    const folder = join(FIXTURES, name);
    const quant = await readSafetensors(
      await nodeFile(join(folder, "quant.safetensors")),
      "quant.safetensors",
    );
    const weights = name === "quant-edge" ? quant : (await openCheckpoint(nodeFolder(folder))).tensors;
    let compared = 0;
    for (const [key, golden] of quant) {
      const match = /^(.+)\.b([48])\.s(f32|f16)\.packed$/.exec(key);
      if (match === null) continue;
      const [, matrix = "", digits, scaleType] = match;
      const tensor = weights.get(name === "quant-edge" ? `${matrix}.W` : matrix);
      const [n = 0, k = 0] = tensor?.shape ?? [];
      const bits = digits === "4" ? 4 : 8;
      const type = scaleType === "f16" ? "f16" : "f32";
      const made = quantize(await readFloats(tensor!), n, k, bits, type, "nearest");
      const scales = quant.get(key.replace("packed", "scales"))!;
      const stored = scales.dtype === "F16" ? bytesOf(toHalf(made.scales)) : bytesOf(made.scales);
      expect(Buffer.compare(made.packed, await bytes(golden)), `${key}`).toBe(0);
      expect(Buffer.compare(stored, await bytes(scales)), `${key} scales`).toBe(0);
      compared++;
    }
    expect(compared).toBeGreaterThan(3);
  });
});

test("the clip search never does worse than rounding to the largest value", () => {
  const weights = Float32Array.from(
    { length: 64 * 32 },
    (_, i) => Math.sin(i * 12.9898) * Math.cos(i * 78.233),
  );
  const error = (recipe: "nearest" | "search") => {
    const { packed, scales } = quantize(weights, 64, 32, 4, "f32", recipe);
    return weights.reduce((sum, w, i) => {
      const code = (packed[i >> 1]! >> ((i & 1) * 4)) & 15;
      return sum + (w - (code - 8) * scales[i >> 5]!) ** 2;
    }, 0);
  };
  expect(error("search")).toBeLessThan(0.95 * error("nearest"));
});

test("the training code rounds as this converter does", async () => {
  const file = new URL("../../../training/fixtures/quantised.json", import.meta.url);
  const fixture = JSON.parse(await readFile(file, "utf8")) as Record<string, number[]> & {
    n: number;
    k: number;
  };
  for (const bits of [4, 8] as const) {
    const weights = Float32Array.from(fixture["weights"]!);
    const { packed, scales } = quantize(weights, fixture.n, fixture.k, bits, "f16", "search");
    expect([...scales]).toEqual(fixture[`scales${bits}`]);
    const values = weights.map((_, i) => {
      const code = bits === 8 ? packed[i]! - 128 : ((packed[i >> 1]! >> ((i & 1) * 4)) & 15) - 8;
      return code * scales[i >> 5]!;
    });
    expect([...values.map((value) => value + 0)]).toEqual(
      fixture[`values${bits}`]!.map((value) => value + 0),
    );
  }
});

function bytes(tensor: TensorEntry): Promise<Uint8Array> {
  return tensor.source.read(tensor.offset, tensor.bytes);
}
