import { expect, test } from "vitest";
import { startRuntime } from "../../src/runtime/open/start-runtime.ts";
import { nodePlatform } from "../../src/runtime/platform/platform-node.ts";
import { floorMs, measureRates, workOf } from "./floor.ts";

const entry = (n: number, k: number) =>
  ({ n, k, bits: 8, packed: 0, scales: 0, scaleType: "f16", weights: 0, channelScales: 0 }) as const;
const MODEL = {
  vocab: 100,
  layers: 2,
  kvWidth: 4,
  variants: {
    int8: {
      graph: "g",
      data: [],
      derive: { location: "d", bytes: 0, matrices: [entry(4, 4), entry(8, 4), entry(100, 4)], copies: [] },
    },
  },
};

test("work is the body for every row, the head for the rows that are asked for, and the pairs", () => {
  expect(workOf(MODEL, 10, 20, 3)).toEqual({ macs: 48 * 10 + 400 * 3 + 2 * 2 * 4 * 10 * 20, bytes: 448 });
});

test("the floor is whichever takes longer", () => {
  const rates = { macsPerSecond: 1000, bytesPerSecond: 100 };
  expect(floorMs({ macs: 500, bytes: 10 }, rates)).toBe(500);
  expect(floorMs({ macs: 5, bytes: 10 }, rates)).toBe(100);
});

test("rates are those of this machine: more than nothing, less than any machine's", async () => {
  const platform = nodePlatform();
  const ort = await startRuntime(await platform.loadOrt("wasm", undefined), {
    kind: "wasm",
    threads: 1,
    reason: "",
    device: undefined,
  } as never); // only kind and threads are looked at
  const { macsPerSecond, bytesPerSecond } = await measureRates(ort, 1);
  for (const rate of [macsPerSecond, bytesPerSecond]) {
    expect(rate).toBeGreaterThan(1e6);
    expect(rate).toBeLessThan(1e14);
  }
});
