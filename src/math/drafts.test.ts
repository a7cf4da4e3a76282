import { expect, test } from "vitest";
import type { ForwardRequest } from "../core/types.ts";
import { draftRequest } from "./drafts.ts";

const rows = (...list: readonly number[]) => Int32Array.from(list);
const REQUEST: ForwardRequest = {
  canvases: [rows(1, 2, 9, 9)],
  rows: rows(2, 3),
  attention: { kind: "full" },
  guidance: { kind: "none" },
  signals: {
    topK: 2,
    entropy: false,
    current: false,
    probe: [],
    klPrevious: "next",
    noise: { temperature: 1, seed: 1, step: 2, topK: 0, topP: 1 },
  },
  suppress: [9],
  kv: null,
  promptLen: 2,
};

test("a draft reads what its request reads, and stores nothing", () => {
  const draft = { canvas: rows(1, 2, 5, 9), rows: rows(3) };
  const plain = draftRequest({ ...REQUEST, drafts: [draft] }, draft);
  expect(plain).toMatchObject({ canvases: [draft.canvas], rows: draft.rows, kv: null });
  expect(plain.drafts).toBeUndefined();
  expect(plain.signals).toEqual({ topK: 2, entropy: false, current: false, probe: [] });
  const kv = { queryRows: rows(1, 2, 3), readRows: rows(0), writeRows: rows(1) };
  expect(draftRequest({ ...REQUEST, kv }, draft).kv).toEqual({ ...kv, writeRows: rows() });
});
