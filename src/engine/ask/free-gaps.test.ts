import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { GenerateEvent } from "../../core/events.ts";
import type { Denoiser } from "../../core/types.ts";
import { createOracle, oracleDenoiser } from "../../strategies/oracle/oracle.ts";
import { ORACLE_DEFAULTS } from "../../strategies/oracle/oracle-logits.ts";
import { foldTrace } from "../record/trace.ts";
import { runJob } from "../run/run-job.ts";
import { FACTS, testModel } from "../run/scripted-model.ts";
import { FREE_GAP, MAX_FREE_GAP, type ProbeSetting, probeGaps } from "./free-gaps.ts";
import { parseGaps } from "./gaps.ts";

const PAD = 61;
const PREFIX = 5;

/** A model that predicts padding from canvas row `from` on. */
function padding(from: number): Denoiser {
  const specials = [[PAD, from, 999, 256]] as const;
  return oracleDenoiser(createOracle(2, { ...ORACLE_DEFAULTS, specials }), 64, 96);
}

function setting(change: Partial<ProbeSetting> = {}): ProbeSetting {
  return {
    traits: { maskId: 63, suppress: [63], attention: { kind: "full" } },
    endings: [PAD],
    maxCanvas: 96,
    lay: ([size]) => ({
      ids: new Int32Array(PREFIX + size! + 2).fill(1).fill(63, PREFIX, PREFIX + size!),
      free: [{ start: PREFIX, end: PREFIX + size! }],
      promptLen: PREFIX,
    }),
    stop: () => false,
    ...change,
  };
}

test("a gap ends where the model predicts padding", async () => {
  expect(await probeGaps(1, padding(PREFIX + 6), setting())).toMatchObject({ sizes: [6], nfe: 1 });
});

test("a gap grows until it ends in padding", async () => {
  const { sizes, nfe, rows } = await probeGaps(1, padding(PREFIX + 19), setting());
  expect({ sizes, nfe }).toEqual({ sizes: [19], nfe: 3 });
  expect(rows).toBe(8 + 16 + 24 + 3 * (PREFIX + 2));
});

test("a gap stops growing at the end of the canvas, and holds at least one cell", async () => {
  const { sizes } = await probeGaps(1, padding(999), setting({ maxCanvas: 24 }));
  expect([8, 16]).toContain(sizes[0]);
  expect((await probeGaps(1, padding(0), setting())).sizes).toEqual([1]);
});

test("without padding the surest of a few lengths is taken", async () => {
  const { sizes, nfe } = await probeGaps(1, padding(999), setting({ endings: [] }));
  expect([2, 4, 8, 16, 32]).toContain(sizes[0]);
  expect(nfe).toBe(5);
});

test("a stopped probe leaves the first size", async () => {
  expect(await probeGaps(2, padding(0), setting({ stop: () => true }))).toMatchObject({
    sizes: [1, 1],
    nfe: 0,
  });
});

test("an infill fills free and fixed gaps together and counts the probes", async () => {
  const events: GenerateEvent[] = [];
  const job = { kind: "infill", text: "ab [[?]] cd [[3]]", options: {} } as const;
  for await (const event of runJob(job, testModel(), { stop: () => false })) events.push(event);
  const start = events[0]!;
  const last = events.at(-1)!;
  if (start.type !== "start" || last.type !== "done") throw new Error("an event is missing");
  const [free, fixed] = start.gaps;
  expect(fixed![1] - fixed![0]).toBe(3);
  expect(last.filled).toHaveLength(2);
  expect(last.tokens).toHaveLength(free![1] - free![0] + 3);
  const forwards = events.filter(({ type }) => type === "forward").length;
  expect(last.nfe).toBeGreaterThan(forwards);
  expect(parseGaps("a [[?]]", FACTS.maxCanvas)).toEqual([{ kind: "text", text: "a " }, { kind: "free-gap" }]);
  expect(FREE_GAP).toBe(8);
});

test.each(["fast-dllm", "eb", "localleap"])(
  "DAEDAL's insertion: with %s doubtful masks of a free gap become several, those of a fixed one do not",
  async (preset) => {
    const run = async (low: number, more: object = {}) => {
      const lengthControl = { daedal: { low, factor: 3 } };
      const recipe = { preset, block: 4, lengthControl, ...more };
      const job = { kind: "infill", text: "ab[[?]]cd[[?]][[3]] ef", options: { recipe } } as const;
      const events: GenerateEvent[] = [];
      // Tokens that write nothing would not show in the lengths.
      const manifest = { ...FACTS, tokens: { ...FACTS.tokens, suppress: [57, 58, 59, 60] } };
      const model = { ...testModel(), manifest };
      for await (const event of runJob(job, model, { stop: () => false })) events.push(event);
      const [start, done] = [events[0]!, events.at(-1)!];
      if (start.type !== "start" || done.type !== "done") throw new Error("an event is missing");
      const frames = foldTrace(events);
      const cells = start.gaps.map(([from, to]) => to - from);
      return { cells, done, frames, grown: frames.at(-1)!.ids.length - start.canvas.length };
    };
    const plain = await run(0);
    expect(plain.grown).toBe(0);
    expect(plain.done.filled!.map((text) => text.length)).toEqual(plain.cells);
    for (const more of [{}, { cache: "dual" }, { temperature: 0.9 }]) {
      const { cells, done, frames, grown } = await run(1, more);
      expect(frames.at(-1)!.masksLeft).toBe(0);
      expect(grown).toBeGreaterThan(0);
      const sizes = done.filled!.map((text) => text.length);
      expect(sizes[2]).toBe(3);
      expect(sizes[0]! + sizes[1]!).toBe(cells[0]! + cells[1]! + grown);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(32);
      expect(done.text).toBe(`ab${done.filled![0]}cd${done.filled![1]}${done.filled![2]} ef`);
    }
  },
);

test("a gap of fixed length keeps it", async () => {
  const recipe = { preset: "eb", lengthControl: { daedal: {} } };
  const job = { kind: "infill", text: "a [[3]] b", options: { recipe } } as const;
  await expect(runJob(job, testModel(), { stop: () => false }).next()).rejects.toThrow("gap of fixed length");
});

test.each(["README.md", "docs/recipes.md"])("%s says how long a gap of free length can become", (file) => {
  const text = readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");
  expect(text).toContain(`up to ${MAX_FREE_GAP} tokens`);
});
