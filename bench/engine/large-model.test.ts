import { expect, test } from "vitest";
import { SMALL } from "../../src/convert/random-checkpoint.ts";
import { extrapolate, largeModel, QWEN3 } from "./large-model.ts";

test("a line through two counts of layers, or what was measured where that is the count", () => {
  expect(
    extrapolate(
      [
        [1, 10],
        [3, 14],
      ],
      28,
    ),
  ).toBe(64);
  expect(
    extrapolate(
      [
        [2, 12],
        [28, 70],
      ],
      28,
    ),
  ).toBe(70);
});

test("a small shape: measured, extrapolated and marked so, with the readback of the real kernel", async () => {
  const io = { signal: new AbortController().signal, status: () => {} };
  const report = await largeModel({ ...SMALL, layers: 6 }, [1, 2], 1, io);
  expect(report.measured.map(({ layers }) => layers)).toEqual([1, 2]);
  expect(report.stepMs.extrapolated).toBe(true);
  expect(report.gpuBytes.weights).toBeGreaterThan(report.measured[1]!.bundleBytes);
  expect(report.readbackBytes).toBeLessThanOrEqual(8192);
  expect(QWEN3.vocab).toBe(151_936);
});
