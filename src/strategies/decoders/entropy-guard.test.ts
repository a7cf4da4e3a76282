import fc from "fast-check";
import { expect, test } from "vitest";
import { continuationCanvas, MASKED } from "../canvas.ts";
import { decode, startState } from "../decode.ts";
import { createOracle } from "../oracle/oracle.ts";
import { ORACLE_DEFAULTS } from "../oracle/oracle-logits.ts";
import { runScripted } from "../oracle/run-scripted.ts";
import { buildStrategy, findPreset } from "../recipe/presets.ts";
import { seededRng } from "../rng.ts";
import type { Step } from "../strategy.ts";
import { testSettings } from "../testing/test-settings.ts";
import { entropyGuard } from "./entropy-guard.ts";

const MASK = ORACLE_DEFAULTS.mask;
const TRAITS = { maskId: MASK, suppress: [MASK], attention: { kind: "full" } } as const;

function run(seed: number, slack: number | undefined, threshold = 0.4) {
  const settings = testSettings(24, { block: 12, threshold });
  const state = startState(continuationCanvas([1, 2], 24, MASK));
  const hints = { eos: [], pad: 61, delimiters: [], room: 40 };
  const plain = buildStrategy(findPreset("fast-dllm"), settings, hints);
  const strategy = slack === undefined ? plain : { ...plain, reviser: entropyGuard(slack) };
  const decoder = decode(strategy, TRAITS, state, seededRng(1));
  return { state, ...runScripted(decoder, createOracle(seed, ORACLE_DEFAULTS)) };
}

test("what is left has become less certain: the weaker half of the last commits is taken back", () => {
  const state = { ...startState(continuationCanvas([], 6, MASK)), block: { start: 0, end: 6 } };
  const guard = entropyGuard(0.1);
  /** Masks in `rows` with these entropies; then what the step commits, with confidences. */
  const step = (rows: readonly number[], entropy: readonly number[], commits: Record<number, number>) => {
    const at = Int32Array.from(rows.keys());
    const stats = { entropy: Float64Array.from(entropy) };
    const candidates = { rows: Int32Array.from(rows), at };
    const done = Object.entries(commits).map(([row, conf]) => ({
      row: Number(row),
      id: 5,
      conf,
      reason: "threshold" as const,
    }));
    const revision = guard.revise({ state, stats, candidates } as unknown as Step, done); // all it looks at
    for (const { row } of done) state.canvas.kinds[row] = 2;
    for (const row of revision.remasks) state.canvas.kinds[row] = MASKED;
    return revision.remasks;
  };
  expect(step([0, 1, 2, 3, 4, 5], [1, 1, 1, 1, 1, 1], { 0: 0.9, 1: 0.6, 2: 0.8 })).toEqual([]);
  // Three masks are left; together they rose by 0.2.
  expect(step([3, 4, 5], [1.2, 1.1, 0.9], { 3: 0.7, 4: 0.7 })).toEqual([1]);
  // Right after that nothing is judged, however certain or not.
  expect(step([1, 5], [3, 3], { 5: 0.9 })).toEqual([]);
  expect(step([1], [9], { 1: 0.9 })).toEqual([]);
});

test("a guard that tolerates everything changes nothing", () => {
  for (const seed of [1, 2, 3]) {
    expect(run(seed, Number.POSITIVE_INFINITY).events).toEqual(run(seed, undefined).events);
  }
});

test("every run ends, no cell is taken back twice, and some are", () => {
  let total = 0;
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.double({ min: 0, max: 2, noNaN: true }), (seed, slack) => {
      const { state, events, verdict } = run(seed, slack);
      expect(verdict).toBe("complete");
      expect(state.canvas.kinds.includes(MASKED)).toBe(false);
      const rows = events.flatMap(({ remasks }) => remasks.map(({ row }) => row));
      expect(new Set(rows).size).toBe(rows.length);
      expect(state.nfe).toBeLessThanOrEqual(48);
      total += rows.length;
    }),
    { numRuns: 60 },
  );
  expect(total).toBeGreaterThan(0);
});
