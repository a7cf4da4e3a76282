import { expect, test } from "vitest";
import type { ForwardRequest, RowStats } from "../core/types.ts";
import { createDenoiser } from "./denoiser.ts";
import { createCpuRows } from "./rows.ts";
import type { GraphSession } from "./session.ts";

const VOCAB = 8;

/** A session whose logits follow from the ids; counts what it runs and what is still held. */
function fakeSession(parts: { readonly blocks?: boolean; readonly maxRows?: number } = {}) {
  const log = { runs: 0, held: 0 };
  /** Second ids of the canvases as they run, and rows as they are reduced. */
  const order: string[] = [];
  const session: GraphSession = {
    kv: { names: [], width: 1, float: "float32" },
    biasRepeat: 0,
    async run({ ids, indices }) {
      log.runs++;
      log.held++;
      order.push(`run ${ids[1]}`);
      const logits = Float32Array.from({ length: indices.length * VOCAB }, (_, i) => Math.sin(i + ids[1]!));
      return {
        rows: indices.length,
        buffer: undefined,
        read: async () => logits,
        fresh: [],
        dispose: () => log.held--,
      };
    },
    release: async () => {},
  };
  const reducer = createCpuRows(VOCAB);
  const denoiser = createDenoiser({
    session,
    ...(parts.blocks && { blocks: true }),
    rows: {
      ...reducer,
      maxRows: parts.maxRows ?? reducer.maxRows,
      reduce: (outputs, request) => {
        order.push(`reduce ${request.rows.join(",")}`);
        return reducer.reduce(outputs, request);
      },
    },
    manifest: { vocab: VOCAB, tokens: { mask: 7, eos: [] }, maxCanvas: 16, logitsShift: 0 },
    openStore: () => {
      throw new Error("nothing is stored");
    },
  });
  return { denoiser, log, order };
}

const REQUEST: ForwardRequest = {
  canvases: [Int32Array.of(1, 2, 7, 7)],
  rows: Int32Array.of(2, 3),
  attention: { kind: "full" },
  guidance: { kind: "none" },
  signals: { topK: 2, entropy: false, current: false, probe: [] },
  suppress: [7],
  kv: null,
  promptLen: 2,
};
const noise = { temperature: 2, seed: 3, step: 0, topK: 0, topP: 1 };
const AGAIN: ForwardRequest = { ...REQUEST, signals: { ...REQUEST.signals, noise }, repeats: true };

/** A copy without what differs from one forward to the next. */
function untimed({ time, ...stats }: RowStats): RowStats {
  expect(time).toBeDefined();
  return structuredClone(stats);
}

test("a repeated forward draws from the logits of the last one", async () => {
  const { denoiser, log } = fakeSession();
  await denoiser.forward(REQUEST);
  const repeated = untimed(await denoiser.forward(AGAIN));
  expect(log).toEqual({ runs: 1, held: 1 });
  const { repeats: _repeats, ...anew } = AGAIN;
  expect(untimed(await denoiser.forward(anew))).toEqual(repeated);
  expect(log).toEqual({ runs: 2, held: 1 });
  await denoiser.dispose();
  expect(log.held).toBe(0);
});

test("what is not the same forward is computed, whatever it claims", async () => {
  const { denoiser, log } = fakeSession();
  await denoiser.forward(REQUEST);
  await denoiser.forward({ ...AGAIN, canvases: [Int32Array.of(1, 3, 7, 7)] });
  await denoiser.forward({ ...AGAIN, canvases: [Int32Array.of(1, 3, 7, 7)], rows: Int32Array.of(3) });
  expect(log).toEqual({ runs: 3, held: 1 });
});

test("guided logits are combined in place, so they are not kept", async () => {
  const { denoiser, log } = fakeSession();
  const guided: ForwardRequest = {
    ...REQUEST,
    canvases: [REQUEST.canvases[0]!, Int32Array.of(7, 7, 7, 7)],
    guidance: { kind: "cfg", scale: 1 },
  };
  const first = untimed(await denoiser.forward(guided));
  expect(untimed(await denoiser.forward({ ...guided, repeats: true }))).toEqual(first);
  expect(log).toEqual({ runs: 4, held: 0 });
});

const DRAFTS: ForwardRequest = {
  ...REQUEST,
  drafts: [
    { canvas: Int32Array.of(1, 5, 7, 7), rows: Int32Array.of(2), gather: Int32Array.of(4) },
    { canvas: Int32Array.of(1, 4, 3, 3), rows: new Int32Array(0) },
    { canvas: Int32Array.of(1, 6, 7, 7), rows: Int32Array.of(1, 3) },
  ],
};

test("a GPU has the drafts and their request queued before the first answer is waited for", async () => {
  const { denoiser, log, order } = fakeSession();
  const stats = await denoiser.forward(DRAFTS);
  expect(order).toEqual(["run 5", "run 6", "run 2", "reduce 2", "reduce 1,3", "reduce 2,3"]);
  expect(stats.drafts!.map(({ rows }) => Array.from(rows))).toEqual([[2], [], [1, 3]]);
  expect(stats.drafts![0]!.gatherLogits![0]).toBeCloseTo(Math.sin(4 + 5));
  expect(untimed(stats).drafts).toHaveLength(3);
  expect(log.held).toBe(1);
});

test("on this thread each answer makes room for the next", async () => {
  const { denoiser, log, order } = fakeSession({ blocks: true });
  await denoiser.forward(DRAFTS);
  expect(order).toEqual(["run 5", "reduce 2", "run 6", "reduce 1,3", "run 2", "reduce 2,3"]);
  expect(log.held).toBe(1);
  await denoiser.dispose();
  expect(log.held).toBe(0);
});

test("more rows than the device binds are refused before anything runs, fewer then work", async () => {
  const { denoiser, log } = fakeSession({ maxRows: 1 });
  await expect(denoiser.forward(REQUEST)).rejects.toMatchObject({
    code: "out-of-memory",
    detail: { neededBytes: 4 * VOCAB * 2, limitBytes: 4 * VOCAB },
  });
  expect(log.runs).toBe(0);
  await denoiser.forward({ ...REQUEST, rows: Int32Array.of(2) });
  const long = { ...REQUEST, canvases: [new Int32Array(17)] };
  await expect(denoiser.forward(long)).rejects.toThrow(/17 rows does not fit a canvas of 16/);
});
