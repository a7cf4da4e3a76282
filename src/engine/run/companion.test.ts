import { expect, test } from "vitest";
import type { Companion } from "../../core/companion.ts";
import type { GenerateEvent } from "../../core/events.ts";
import type { ForwardRequest } from "../../core/types.ts";
import { withCompanion } from "./companion.ts";
import { type RunControl, runJob } from "./run-job.ts";
import { testModel } from "./scripted-model.ts";

type Done = Extract<GenerateEvent, { type: "done" }>;

async function finish(recipe: unknown, companion?: Companion) {
  const control: RunControl = { stop: () => false, ...(companion && { companion }) };
  const events: GenerateEvent[] = [];
  const options = { recipe, maxNewTokens: 16 };
  for await (const event of runJob({ kind: "generate", prompt: "abc", options }, testModel(), control)) {
    events.push(event);
  }
  const done = events.at(-1) as Done;
  return { done, steps: events.filter((event) => event.type === "step") };
}

const GUIDED = { preset: "guided", block: 8, stop: { eos: false } };
/** Expects what stands there already. */
const agreeing: Companion = async ({ ids }) => Int32Array.from([...ids.subarray(1), ids.at(-1)!]);
const silent: Companion = async ({ ids }) => new Int32Array(ids.length).fill(-1);

test("a companion that never agrees leaves one token a forward, those of llada", async () => {
  const asked: number[] = [];
  const { done } = await finish(GUIDED, async (ask) => {
    asked.push(ask.ids.length);
    return silent(ask);
  });
  const alone = await finish({ preset: "llada", block: 8, stop: { eos: false } });
  expect(done.tokens).toEqual(alone.done.tokens);
  expect(done.nfe).toBe(16);
  // It reads the four tokens of mode and prompt and the proposal of the open block, whose last token it need not see.
  expect(asked.slice(0, 2)).toEqual([11, 11]);
  expect(Math.max(...asked)).toBe(19);
});

test("the rows before the first disagreement are committed, and the companion reads the proposal, not masks", async () => {
  let seen = Int32Array.of();
  const upTo = 7;
  const { steps } = await finish(GUIDED, async (ask) => {
    if (seen.length === 0) seen = ask.ids.slice();
    const all = await agreeing(ask);
    // Row i answers for row i + 1: rows 4, 5 and 6 are confirmed, row 7 is not.
    return all.map((id, i) => (i < upTo - 1 ? id : -1));
  });
  expect(Array.from(seen)).not.toContain(63);
  expect(steps[0]!.commits.map(({ row, reason }) => [row, reason])).toEqual([
    [4, "draft"],
    [5, "draft"],
    [6, "draft"],
  ]);
});

test("a companion that agrees with everything but what it cannot see fills a block in two forwards", async () => {
  const { done } = await finish(GUIDED, agreeing);
  // The guess of the last row stands behind what was asked: here it is never the proposed id.
  expect(done.nfe).toBeLessThanOrEqual(4);
  expect(done.tokens).toHaveLength(16);
});

test("its continuation is the draft of a warm start", async () => {
  const asked: unknown[] = [];
  const { done } = await finish(
    { preset: "warm-start", block: 16, init: { from: "companion", keep: 0 }, stop: { eos: false } },
    async (ask) => {
      asked.push(ask);
      return Int32Array.from({ length: 16 }, (_, i) => i);
    },
  );
  expect(asked).toEqual([{ kind: "continue", ids: Int32Array.of(60, 0, 1, 2), count: 16 }]);
  expect(done.tokens).toEqual(Array.from({ length: 16 }, (_, i) => i));
  expect(done.nfe).toBe(1);
});

test.each([
  [{ preset: "warm-start", init: { from: "companion" } }, undefined, "init.from"],
  [{ preset: "llada" }, silent, "companion"],
  [{ preset: "guided", constraint: { regex: "a+" } }, silent, "constraint"],
] as const)("%j is refused", async (recipe, companion, option) => {
  await expect(finish(recipe, companion)).rejects.toMatchObject({
    code: "invalid-options",
    detail: { option },
  });
});

test("an answer of the wrong length is an error of the companion", async () => {
  await expect(finish(GUIDED, async () => Int32Array.of(1))).rejects.toMatchObject({
    code: "invalid-options",
  });
});

test("nobody is asked where nothing was, and rows without a past expect nothing", async () => {
  const { denoiser } = testModel();
  const reading = withCompanion(denoiser, () => Promise.reject(new Error("asked")));
  const request: ForwardRequest = {
    canvases: [Int32Array.of(63, 63)],
    rows: Int32Array.of(0),
    attention: { kind: "full" },
    guidance: { kind: "none" },
    signals: { topK: 1, entropy: false, current: false, probe: [] },
    suppress: [63],
    kv: null,
    promptLen: 0,
  };
  expect((await reading.forward(request)).expected).toBeUndefined();
  const asking = { ...request, signals: { ...request.signals, expected: true } };
  expect((await reading.forward(asking)).expected).toEqual(Int32Array.of(-1));
});
