import fc from "fast-check";
import { expect, test } from "vitest";
import { allocateRowStats } from "../../math/row-stats.ts";
import { continuationCanvas } from "../canvas.ts";
import { decode, startState } from "../decode.ts";
import { createOracle } from "../oracle/oracle.ts";
import { ORACLE_DEFAULTS } from "../oracle/oracle-logits.ts";
import { runScripted } from "../oracle/run-scripted.ts";
import { buildStrategy, findPreset } from "../recipe/presets.ts";
import { seededRng } from "../rng.ts";
import { withoutRepeats } from "./no-repeat.ts";

const MASK = ORACLE_DEFAULTS.mask;
const EOS = 60;
const TRAITS = { maskId: MASK, suppress: [MASK], attention: { kind: "full" } } as const;
const SETTINGS = {
  block: 8,
  steps: 24,
  table: [],
  topK: 0,
  topP: 1,
  threshold: 0.3,
  factor: 1,
  gamma: 0.1,
  guidance: { cfg: 0 },
};

/** Of a vocabulary so small that texts repeat themselves. */
function run(preset: string, seed: number, temperature: number, size: number | undefined) {
  const oracle = createOracle(seed, ORACLE_DEFAULTS);
  // Ids are made few: what the oracle says of the others is left out.
  const few = Array.from({ length: ORACLE_DEFAULTS.V }, (_, id) => id).filter((id) => id > 20 && id !== EOS);
  const state = startState(continuationCanvas([1, 2, 3, 4], 24, MASK));
  const hints = { eos: [EOS], pad: 61, delimiters: [], room: 40 };
  const plain = buildStrategy(findPreset(preset), { ...SETTINGS, length: 24, temperature }, hints);
  const strategy = size === undefined ? plain : withoutRepeats(plain, size, [EOS]);
  const { events, verdict } = runScripted(
    decode(strategy, { ...TRAITS, suppress: few }, state, seededRng(seed)),
    oracle,
  );
  return { ids: [...state.canvas.ids], events, verdict };
}

function repeats(ids: readonly number[], size: number): number {
  const runs = ids
    .map((_, at) => ids.slice(at, at + size))
    .filter((run) => run.length === size && !run.includes(EOS))
    .map((run) => run.join(" "));
  return runs.length - new Set(runs).size;
}

test("no run of tokens is written twice, whatever decides about the order", () => {
  const presets = fc.constantFrom("llada", "fast-dllm", "eb", "dream-entropy", "credit", "localleap");
  let others = 0;
  fc.assert(
    fc.property(
      presets,
      fc.nat(1e6),
      fc.constantFrom(0, 0.8),
      fc.constantFrom(2, 3),
      (preset, seed, t, size) => {
        const { ids, events, verdict } = run(preset, seed, t, size);
        expect(verdict).toBe("complete");
        expect(ids).not.toContain(MASK);
        expect(repeats(ids, size)).toBe(0);
        for (const { commits } of events) for (const { conf } of commits) expect(conf).not.toBeNaN();
        others += repeats(run(preset, seed, t, undefined).ids, size);
      },
    ),
    { numRuns: 60 },
  );
  // else this test could not fail
  expect(others).toBeGreaterThan(15);
});

test("a text that repeats nothing by itself is written as without it", () => {
  let alike = 0;
  for (let seed = 0; seed < 30; seed++) {
    const plain = run("fast-dllm", seed, 0, undefined);
    if (repeats(plain.ids, 4) > 0) continue;
    alike++;
    expect(run("fast-dllm", seed, 0, 4)).toEqual(plain);
  }
  expect(alike).toBeGreaterThan(2);
});

test("a token that gives way leaves its cell to the next best, with that one's probability", () => {
  const plain = buildStrategy(
    findPreset("llada"),
    { ...SETTINGS, length: 1, temperature: 0 },
    { eos: [EOS], pad: 61, delimiters: [], room: 40 },
  );
  const state = startState(continuationCanvas([7, 8, 9, 7], 1, MASK));
  const rows = Int32Array.of(4);
  const stats = allocateRowStats(rows, { topK: 3, entropy: false, current: false, probe: [] }, "f64");
  stats.topIds.set([8, 5, 6]);
  stats.topLogits.set([Math.log(0.7), Math.log(0.2), Math.log(0.1)]);
  stats.lse[0] = 0;
  stats.sampledIds[0] = 8;
  stats.sampledLogits[0] = Math.log(0.7);
  const draw = (strategy: typeof plain) => strategy.sampler.draw(stats, rows, Int32Array.of(0), state);
  expect([...draw(plain).ids]).toEqual([8]);
  const { ids, probabilities } = draw(withoutRepeats(plain, 2, [EOS]));
  expect([...ids]).toEqual([5]);
  expect(probabilities[0]).toBeCloseTo(0.2, 12);
  // "7 8" is exempt where 8 is an end.
  expect([...draw(withoutRepeats(plain, 2, [8])).ids]).toEqual([8]);
});
