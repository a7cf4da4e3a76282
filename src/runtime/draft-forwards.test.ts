import { expect, test } from "vitest";
import type { Denoiser, ForwardRequest } from "../core/types.ts";
import { createOracle, oracleDenoiser } from "../strategies/oracle.ts";
import { ORACLE_DEFAULTS } from "../strategies/oracle-logits.ts";
import { withDrafts } from "./draft-forwards.ts";

const REQUEST: ForwardRequest = {
  canvases: [Int32Array.of(1, 63, 63)],
  rows: Int32Array.of(1, 2),
  attention: { kind: "full" },
  guidance: { kind: "none" },
  signals: { topK: 1, entropy: false, current: false, probe: [] },
  suppress: [63],
  kv: null,
  promptLen: 1,
  drafts: [
    { canvas: Int32Array.of(1, 5, 63), rows: Int32Array.of(2), gather: Int32Array.of(7) },
    { canvas: Int32Array.of(1, 63, 6), rows: Int32Array.of(1) },
  ],
};

test("each draft is a forward of its own, and the main one comes last", async () => {
  const oracle = createOracle(3, ORACLE_DEFAULTS);
  const seen: Int32Array[] = [];
  const plain: Denoiser = {
    ...oracleDenoiser(oracle, 64, 96),
    forward: async (request) => {
      seen.push(request.canvases[0]!);
      expect(request.drafts).toBeUndefined();
      return oracle.forward(request);
    },
  };
  const stats = await withDrafts(plain).forward(REQUEST);
  expect(seen.map((canvas) => Array.from(canvas))).toEqual([
    [1, 5, 63],
    [1, 63, 6],
    [1, 63, 63],
  ]);
  expect(stats).toEqual(oracle.forward(REQUEST));
});
