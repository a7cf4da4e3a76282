import { expect, test } from "vitest";
import { range } from "../../src/cache/rows.ts";
import type { Denoiser, ForwardRequest } from "../../src/core/types.ts";
import { bound, documentBound } from "./bound.ts";

const MASK = 9;

/** Answers every row with the same logits, so that each masked token costs `loss(id)` nats whatever is masked. */
function constantModel(loss: (id: number) => number, block?: number) {
  const asked: ForwardRequest[] = [];
  const forward = async (request: ForwardRequest) => {
    asked.push(request);
    const { gather } = request.signals;
    return {
      rows: request.rows,
      lse: new Float64Array(request.rows.length),
      gatherLogits: Float64Array.from(gather!.ids, (id) => -loss(id)),
      k: 1,
      topIds: new Int32Array(request.rows.length),
      topLogits: new Float64Array(request.rows.length),
      sampledIds: new Int32Array(request.rows.length),
      sampledLogits: new Float64Array(request.rows.length),
    };
  };
  const denoiser: Denoiser = { vocab: 10, maskId: MASK, maxCanvas: 64, forward, dispose: async () => {} };
  const attention =
    block === undefined
      ? ({ kind: "full" } as const)
      : ({ kind: "block-causal", block, align: "absolute" } as const);
  return { asked, model: { denoiser, manifest: { attention, tokens: { mask: MASK, eos: [8] } } } };
}

test("a loss that does not depend on the masks is found exactly: L/k times k tokens", async () => {
  const { model } = constantModel(() => 1.5);
  const ids = Int32Array.of(7, 1, 2, 3, 4, 5, 6);
  expect(await bound(model, ids, range(1, 7), 16, 3)).toBeCloseTo(6 * 1.5, 10);
});

test("mask ratios are stratified, masks stand only in the scored cells, the gold ids are asked for", async () => {
  const { model, asked } = constantModel((id) => id);
  const ids = Int32Array.from({ length: 21 }, (_, i) => i % 7);
  await bound(model, ids, range(1, 21), 20, 5);
  // one ratio in each twentieth: k = 1..20 in some order (the first stratum also gives 1)
  expect(asked.map(({ rows }) => rows.length).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  for (const { canvases, rows, signals } of asked) {
    const [canvas] = canvases;
    expect([...canvas!.keys()].filter((row) => canvas![row] === MASK)).toEqual([...rows]);
    expect(rows[0]).toBeGreaterThanOrEqual(1);
    expect([...signals.gather!.ids]).toEqual([...rows].map((row) => ids[row]));
  }
});

test("the estimate converges to the sum of the losses", async () => {
  const { model } = constantModel((id) => id);
  const ids = Int32Array.from({ length: 12 }, (_, i) => i % 8);
  const sum = ids.slice(1).reduce((total, id) => total + id, 0);
  expect(Math.abs((await bound(model, ids, range(1, 12), 4000, 1)) - sum)).toBeLessThan(0.5);
});

test("a block-causal document adds a bound for each block, without the text behind it", async () => {
  const { model, asked } = constantModel(() => 2, 4);
  const ids = Int32Array.from({ length: 10 }, () => 1);
  expect(await documentBound(model, ids, 1, 2, 1)).toBeCloseTo(9 * 2, 10);
  expect([...new Set(asked.map(({ canvases }) => canvases[0]!.length))]).toEqual([4, 8, 10]);
});
