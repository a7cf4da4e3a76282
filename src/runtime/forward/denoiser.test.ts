import { expect, test } from "vitest";
import type { ForwardRequest, RowStats } from "../../core/types.ts";
import { lazySession } from "../graph/lazy-session.ts";
import { createCpuRows } from "../graph/rows.ts";
import type { GraphSession } from "../graph/session.ts";
import type { BatchLimits } from "./batches.ts";
import { createDenoiser } from "./denoiser.ts";

const VOCAB = 8;

const APART: BatchLimits = {
  off: "switched off",
  rows: 64,
  rowsWhy: "too many rows",
  pairs: 4096,
  logitRows: 64,
  pastRows: 64,
  sameRows: false,
};
const { off: _off, ...TOGETHER } = APART;

interface FakeParts {
  readonly blocks?: boolean;
  readonly maxRows?: number;
  readonly batch?: BatchLimits;
}

/** A session whose logits follow from the ids of each canvas; counts what it runs and what is still held. */
function fakeSession(parts: FakeParts = {}) {
  const log = { runs: 0, held: 0 };
  /** Second ids of the canvases as they run, and rows as they are reduced. */
  const order: string[] = [];
  const session: GraphSession = {
    kv: { names: [], width: 1, float: "float32" },
    biasRepeat: 0,
    takesBatch: true,
    sameRows: false,
    async run({ ids, indices, batch = 1 }) {
      log.runs++;
      log.held++;
      const size = ids.length / batch;
      const second = (index: number): number => ids[size * Math.floor(index / size) + 1]!;
      order.push(`run ${Array.from({ length: batch }, (_, b) => second(b * size)).join(" ")}`);
      const logits = Float32Array.from({ length: indices.length * VOCAB }, (_, i) => {
        const index = indices[Math.floor(i / VOCAB)]!;
        return Math.sin((index % size) * VOCAB + (i % VOCAB) + second(index));
      });
      return {
        rows: indices.length,
        buffer: undefined,
        first: 0,
        read: async () => logits,
        fresh: [],
        dispose: () => log.held--,
      };
    },
    release: async () => {},
  };
  const reducer = createCpuRows(VOCAB);
  const mixing: GraphSession = {
    ...session,
    run: (run) => {
      order.push(`hints ${run.hints?.ids.join(",")} ${run.hints?.shares.join(",")}`);
      return session.run(run);
    },
  };
  const denoiser = createDenoiser({
    session,
    blending: lazySession(async () => mixing),
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
    batch: parts.batch ?? APART,
    openBuffers: () => {
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
function untimed({ time, batch: _batch, ...stats }: RowStats): RowStats {
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

test("a steady step answers in the arrays of the step before, its drafts in arrays of their own", async () => {
  const { denoiser } = fakeSession();
  const arraysOf = ({ topIds, topLogits, lse, sampledIds, drafts = [] }: RowStats): object[] => [
    ...[topIds, topLogits, lse, sampledIds].filter(({ length }) => length > 0),
    ...drafts.flatMap(arraysOf),
  ];
  for (const request of [REQUEST, DRAFTS]) {
    const first = arraysOf(await denoiser.forward(request));
    expect(new Set(first).size).toBe(first.length);
    const again = arraysOf(await denoiser.forward(request));
    expect(again.every((array, i) => array === first[i])).toBe(true);
  }
});

test("what is not the same forward is computed, whatever it claims", async () => {
  const { denoiser, log } = fakeSession();
  await denoiser.forward(REQUEST);
  await denoiser.forward({ ...AGAIN, canvases: [Int32Array.of(1, 3, 7, 7)] });
  await denoiser.forward({ ...AGAIN, canvases: [Int32Array.of(1, 3, 7, 7)], rows: Int32Array.of(3) });
  expect(log).toEqual({ runs: 3, held: 1 });
});

test("a blend is another forward, on the session that takes hints, and its repetition is none", async () => {
  const { denoiser, log, order } = fakeSession();
  const blend = { ids: Int32Array.of(5, -1, 3, -1), share: 0.5 };
  const hints = () => order.filter((line) => line.startsWith("hints"));
  await denoiser.forward(REQUEST);
  await denoiser.forward({ ...AGAIN, blend });
  await denoiser.forward({ ...AGAIN, blend: { ...blend, ids: blend.ids.slice() } });
  expect(log.runs).toBe(2);
  // The first cell is no mask, and the last has no hint: they are read as they are.
  expect(hints()).toEqual(["hints 1,2,3,7 0.5"]);
  await denoiser.forward({ ...AGAIN, blend: { ...blend, share: 0.25 } });
  await denoiser.forward({ ...AGAIN, blend: { ...blend, ids: Int32Array.of(-1, -1, -1, 4), share: 0.25 } });
  await denoiser.forward(AGAIN);
  expect(log.runs).toBe(5);
  expect(hints().slice(1)).toEqual(["hints 1,2,3,7 0.25", "hints 1,2,7,4 0.25"]);
});

test("canvases with and without a draft share a run, each with a share of its own", async () => {
  const { denoiser, order } = fakeSession({ batch: TOGETHER });
  const blend = { ids: Int32Array.of(-1, -1, 3, 4), share: 0.5 };
  const other = { ...REQUEST, canvases: [Int32Array.of(1, 6, 7, 2)] };
  await denoiser.forwardAll!([{ ...REQUEST, blend }, other]);
  expect(order[0]).toBe("hints 1,2,3,4,1,6,7,2 0.5,0");
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
  expect(stats.drafts![0]!.gatherLogits![0]).toBeCloseTo(Math.sin(2 * VOCAB + 4 + 5));
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

const GUIDED: ForwardRequest = {
  ...REQUEST,
  canvases: [REQUEST.canvases[0]!, Int32Array.of(7, 6, 7, 7)],
  guidance: { kind: "cfg", scale: 1, agreement: true },
};

test("branches, drafts and several requests share a run, and nothing of their answers changes", async () => {
  const apart = fakeSession();
  const together = fakeSession({ batch: TOGETHER });
  for (const asked of [GUIDED, DRAFTS]) {
    const found = await together.denoiser.forward(asked);
    const expected = await apart.denoiser.forward(asked);
    expect(untimed(found)).toEqual(untimed(expected));
    expect(found.batch).toEqual({ canvases: asked === GUIDED ? 2 : 3, runs: 1 });
  }
  expect(together.order.filter((entry) => entry.startsWith("run"))).toEqual(["run 2 6", "run 5 6 2"]);
  const other: ForwardRequest = { ...AGAIN, repeats: false, canvases: [Int32Array.of(1, 3, 3, 7)] };
  const all = [REQUEST, GUIDED, { ...other, rows: Int32Array.of(3) }, DRAFTS];
  const answers = await together.denoiser.forwardAll!(all);
  for (const [i, { time: _time, batch: _batch, ...stats }] of answers.entries()) {
    expect(structuredClone(stats)).toEqual(untimed(await apart.denoiser.forward(all[i]!)));
  }
  expect(answers[0]!.batch).toEqual({ canvases: 7, runs: 1 });
  expect(answers.slice(1).every(({ time, batch }) => time === undefined && batch === undefined)).toBe(true);
  expect(together.log.held).toBe(0);
  expect(apart.log.runs).toBe(2 + 3 + 7);
});

test.each([
  [{ ...TOGETHER, rows: 8 }, 2, "too many rows"],
  [{ ...TOGETHER, pairs: 40 }, 2, "together they would take more memory than the largest canvas"],
  [{ ...TOGETHER, logitRows: 3 }, 2, "together they are larger than what the device binds at once"],
  [APART, 3, "switched off"],
])("what does not fit a run is computed in more of them, with the reason", async (batch, runs, apart) => {
  const { denoiser, log } = fakeSession({ batch });
  const stats = await denoiser.forward(DRAFTS);
  expect(stats.batch).toEqual({ canvases: 3, runs, apart });
  expect(log).toEqual({ runs, held: 1 });
  expect(untimed(stats)).toEqual(untimed(await fakeSession().denoiser.forward(DRAFTS)));
});

test("a run of several that fails leaves nothing behind", async () => {
  const { denoiser, log } = fakeSession({ batch: TOGETHER });
  const short: ForwardRequest = { ...REQUEST, canvases: [Int32Array.of(1, 2)], rows: Int32Array.of(5) };
  await expect(denoiser.forwardAll!([REQUEST, short])).rejects.toThrow(/does not fit/);
  expect(log).toEqual({ runs: 0, held: 0 });
  const stats = await denoiser.forwardAll!([REQUEST, { ...short, rows: Int32Array.of(1) }]);
  expect(stats[0]!.batch).toEqual({ canvases: 2, runs: 2, apart: "they compute unlike numbers of rows" });
});
