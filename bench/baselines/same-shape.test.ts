import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parseManifest } from "../../src/model/manifest.ts";
import { shapeOf } from "./same-shape.ts";

test("the shape of the embedded model", async () => {
  const text = await readFile(new URL("../../public/models/default/unmask.json", import.meta.url), "utf8");
  const manifest = parseManifest(JSON.parse(text));
  const matrices = manifest.variants["int8"]!.derive!.matrices;
  const { hidden, inter, heads, headDim, layers, vocab } = shapeOf(manifest);
  expect({ layers, vocab, width: heads * headDim }).toEqual({
    layers: manifest.layers,
    vocab: manifest.vocab,
    width: manifest.kvWidth,
  });
  // Four matrices of attention, two into the wide layer and one out of it, and the head.
  const size = layers * (4 * hidden * hidden + 3 * hidden * inter) + vocab * hidden;
  expect(matrices.reduce((sum, { n, k }) => sum + n * k, 0)).toBe(size);
});
