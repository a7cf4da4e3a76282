import { expect } from "@playwright/test";
import { openGpuBrowser } from "../../src/cli/gpu/gpu-browser.ts";
import { pageHost } from "../../src/cli/gpu/gpu-host.ts";
import { memorySource } from "../../src/convert/checkpoint/byte-source.ts";
import { adaptLogitsGraph } from "../../src/convert/exports/logits-graph.ts";
import { openGraph } from "../../src/convert/graph/run-graph.ts";
import { compareLogits } from "../../src/convert/reference/compare-logits.ts";
import { SLOW, test } from "../support/strict-test.ts";
import { EXPORT_VOCAB, exportedModel } from "./exported-model.ts";
import { faultsOf, noHalf, type Verified, verifyFixtures } from "./gpu-cases.ts";

test.describe.configure({ mode: "serial" });

let verified: Verified;
test("unmask verify: grouped heads, block-causal masks and odd sizes are within the gates of WebGPU", {
  tag: SLOW,
}, async () => {
  test.setTimeout(900_000);
  verified = await verifyFixtures(["quant-edge", "sdar", "sdar-odd"]);
  expect(faultsOf(verified)).toEqual([]);
  expect(verified.cases.length).toBeGreaterThan(30);
});

test("and in f16", { tag: SLOW }, () => {
  const reason = noHalf(verified);
  test.skip(reason !== undefined, reason);
  expect(verified.cases.some(({ dtype }) => dtype === "f16")).toBe(true);
});

test("exports that give logits, with and without a mask, give on WebGPU what they give on WASM", async () => {
  test.setTimeout(600_000);
  const { page, openPage } = await openGpuBrowser();
  await using host = pageHost(page, openPage, 240_000);
  for (const masked of [false, true]) {
    const { model, data } = await exportedModel(masked);
    const graph = await adaptLogitsGraph(memorySource(model));
    const bytes = await graph.model.read(0, graph.model.size);
    expect(graph).toMatchObject({ vocab: EXPORT_VOCAB, masked });
    const ids = Array.from({ length: 13 }, (_, i) => (i * 29 + 3) % EXPORT_VOCAB);
    const positions = ids.map((_, row) => row);
    const closed = (at: number) => Math.floor((at % 13) / 4) > Math.floor(at / 13 / 4);
    const bias = masked && { bias: Float32Array.from({ length: 169 }, (_, at) => (closed(at) ? -1e9 : 0)) };
    const input = { ids, positions, rows: [0, 5, 12], ...bias };
    const facts = { layers: 0, kvWidth: 0, type: "f32" } as const;
    const found = await (await openGraph(bytes, data, facts, host)).run(input);
    const expected = await (await openGraph(bytes, data, facts)).run(input);
    expect(found.logits).toHaveLength(3 * EXPORT_VOCAB);
    expect(compareLogits(found.logits, expected.logits, EXPORT_VOCAB).rel).toBeLessThan(1e-4);
  }
});
