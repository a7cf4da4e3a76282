import { expect, test } from "vitest";
import { createCpuBuffers } from "../kv/kv-buffers.ts";
import type { OrtModule } from "../ort/ort.ts";
import { type BatchSetting, batchLimits } from "./batch-limits.ts";

const SETTING: BatchSetting = {
  backend: "wasm",
  variant: "int8",
  asked: undefined,
  refused: undefined,
  manifest: { maxCanvas: 512, vocab: 4096 },
  session: { takesBatch: true, sameRows: false },
  rows: { maxRows: 100 },
  // Nothing is allocated before something is stored.
  openBuffers: () => createCpuBuffers({} as OrtModule, { names: [], width: 8, float: "float32" }),
};

test("on a GPU as many canvases share a run as take no more memory than the largest one", () => {
  const limits = batchLimits({ ...SETTING, backend: "webgpu", variant: "q4f16" });
  expect(limits).toMatchObject({ rows: 512, pairs: 512 * 512, logitRows: 100, pastRows: 512 });
  expect(limits.off).toBeUndefined();
});

test("on WASM they do where few rows leave the processor idle, which depends on the weights", () => {
  const rows = (variant: string) => batchLimits({ ...SETTING, variant }).rows;
  expect(rows("int8")).toBeLessThan(rows("q4"));
  expect(rows("f16")).toBe(0);
  expect(batchLimits(SETTING).rowsWhy).toMatch(/no faster together/);
  expect(batchLimits(SETTING).logitRows).toBe(2048);
});

test("it can be forced either way, but not on a graph of one canvas", () => {
  expect(batchLimits({ ...SETTING, asked: true })).toMatchObject({ rows: 512 });
  expect(batchLimits({ ...SETTING, asked: false }).off).toBe("it was asked for");
  const wrong = { ...SETTING, refused: "this device computes two canvases at once wrongly", asked: true };
  expect(batchLimits(wrong).off).toMatch(/wrongly/);
  const old = { ...SETTING, session: { takesBatch: false, sameRows: false }, asked: true };
  expect(batchLimits(old).off).toMatch(/one canvas at a time; convert the model again/);
});
