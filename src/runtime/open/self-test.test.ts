import { expect, test } from "vitest";
import type { GraphSession } from "../graph/session.ts";
import { testBatch } from "./self-test.ts";

const VOCAB = 4;
const IDS = [1, 2, 3];
const logitOf = (id: number, token: number): number => Math.sin(5 * id + token);
const GOLDEN = {
  vocab: VOCAB,
  golden: {
    ids: IDS,
    positions: [0, 1, 2],
    byVariant: {
      q4: {
        topIds: IDS.map(() => [3, 0]),
        topLogits: IDS.map((id) => [logitOf(id, 3), logitOf(id, 0)]),
        tolerance: 1e-3,
      },
    },
  },
};

/** A graph whose logits follow from the token; `second` says where it takes the second canvas from. */
function graph(second: (index: number) => number, takesBatch = true) {
  const held = { outputs: 0 };
  const session: Pick<GraphSession, "run" | "takesBatch"> = {
    takesBatch,
    async run({ ids, indices, batch }) {
      expect(batch).toBe(2);
      held.outputs++;
      const logits = Float32Array.from({ length: indices.length * VOCAB }, (_, i) =>
        logitOf(ids[second(indices[Math.floor(i / VOCAB)]!)]!, i % VOCAB),
      );
      return {
        rows: indices.length,
        first: 0,
        buffer: undefined,
        fresh: [],
        read: async () => logits,
        dispose: () => held.outputs--,
      };
    },
  };
  return { session, held };
}

test("a device that mistakes the second canvas for the first computes one at a time", async () => {
  const right = graph((index) => index);
  expect(await testBatch(right.session, GOLDEN, "q4")).toBeUndefined();
  const wrong = graph((index) => index - IDS.length);
  expect(await testBatch(wrong.session, GOLDEN, "q4")).toMatch(/two canvases at once wrongly/);
  const broken = graph(() => -1);
  expect(await testBatch(broken.session, GOLDEN, "q4")).toMatch(/off by NaN/);
  expect([right, wrong, broken].map(({ held }) => held.outputs)).toEqual([0, 0, 0]);
});

test("without a record, or a graph for it, there is nothing to test", async () => {
  const { session, held } = graph((index) => index);
  expect(await testBatch(session, GOLDEN, "q8")).toBeUndefined();
  expect(await testBatch({ ...session, takesBatch: false }, GOLDEN, "q4")).toBeUndefined();
  expect(held.outputs).toBe(0);
});
