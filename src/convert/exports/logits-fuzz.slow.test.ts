import { expect, test } from "vitest";
import { isUnmaskError } from "../../core/errors.ts";
import { hash3 } from "../../core/random.ts";
import { memorySource } from "../checkpoint/byte-source.ts";
import { adaptLogitsGraph } from "./logits-graph.ts";
import { exportGraph } from "./tiny-export.ts";

/** Ten thousand graphs, each wrong in a few bytes: one of ours that fits into the file, or a typed error. */
const ROUNDS = 10_000;

test("mutated ONNX files never end in anything else", async () => {
  const original = exportGraph("additive").graph.finish("model.onnx.data").model;
  let accepted = 0;
  let refused = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const draw = (what: number, below: number) => hash3(1, round, what, 0) % below;
    const bytes = original.slice(0, draw(0, 10) === 0 ? draw(1, original.length) : original.length);
    for (let i = 0; i <= draw(2, 6) && bytes.length > 0; i++) {
      // Varints of lengths are where it hurts.
      bytes[draw(3 + 2 * i, bytes.length)] = draw(20, 3) === 0 ? 0xff : draw(4 + 2 * i, 256);
    }
    try {
      const { model, vocab, locations } = await adaptLogitsGraph(memorySource(bytes));
      expect(model.size).toBeLessThan(bytes.length + 2000);
      expect(vocab).toBeGreaterThan(1);
      expect(locations.length).toBeLessThan(10);
      await model.read(0, model.size);
      accepted++;
    } catch (error) {
      if (!isUnmaskError(error)) throw error;
      expect(error.code).toMatch(/^checkpoint-(invalid|unsupported)$/);
      expect(error.message.length).toBeLessThan(1000);
      refused++;
    }
  }
  // Both must happen, or nothing was tested.
  expect(accepted).toBeGreaterThan(ROUNDS / 20);
  expect(refused).toBeGreaterThan(ROUNDS / 20);
});
