import { expect, test } from "vitest";
import { continuationCanvas, countMasks } from "../canvas.ts";
import { decode, type StepEvent, startState } from "../decode.ts";
import { createOracle } from "../oracle.ts";
import { ORACLE_DEFAULTS } from "../oracle-logits.ts";
import { seededRng } from "../rng.ts";
import { runScripted } from "../run-scripted.ts";
import type { Strategy } from "../strategy.ts";
import { plain } from "../testing/scenes.ts";
import { remaskAncestral } from "./remask-ancestral.ts";
import { mixtureAt, type RemaskRule } from "./remask-mixture.ts";

const CELLS = 24;
const { mask } = ORACLE_DEFAULTS;
const LOOP: RemaskRule = { kind: "loop", eta: 0.02, on: 0.55, off: 0.05, alpha: 0.9 };

function run(rule: RemaskRule, steps: number, seed: number): { events: StepEvent[]; nfe: number } {
  const { selector, reviser } = remaskAncestral(rule, steps);
  const strategy: Strategy = plain({ selector, ...(rule.kind === "none" ? {} : { reviser }) }, CELLS);
  const state = startState(continuationCanvas([1, 2], CELLS, mask));
  const traits = { maskId: mask, suppress: [mask], attention: { kind: "full" } } as const;
  const decoder = decode(strategy, traits, state, seededRng(seed));
  const { events, verdict } = runScripted(decoder, createOracle(3, ORACLE_DEFAULTS));
  expect(verdict).toBe("complete");
  expect(countMasks(state.canvas)).toBe(0);
  return { events, nfe: state.nfe };
}

test("the worked numbers of the specification: a cap of 0.008 in the middle, and the loop", () => {
  const [token, stay] = mixtureAt({ kind: "cap", eta: 0.008 }, 0.5, 1 / 1024, 0).masked;
  expect(token).toBeCloseTo(0.009953, 6);
  expect(stay).toBeCloseTo(0.990047, 6);
  const [again, left] = mixtureAt(LOOP, 0.3, 1 / 1024, 0).masked;
  expect(again).toBeCloseTo(0.18, 6);
  expect(left).toBeCloseTo(0.82, 6);
});

test.each<[string, RemaskRule]>([
  ["cap", { kind: "cap", eta: 0 }],
  ["rescale", { kind: "rescale", eta: 0 }],
])("%s that takes nothing back writes what MDLM writes", (_name, rule) => {
  for (let seed = 0; seed < 5; seed++) {
    const last = (events: StepEvent[]): unknown =>
      events.flatMap(({ commits }) => commits.map(({ row, id }) => [row, id]));
    expect(last(run(rule, 40, seed).events)).toEqual(last(run({ kind: "none" }, 40, seed).events));
  }
});

test("MDLM needs at most a forward a token however many steps there are", () => {
  expect(run({ kind: "none" }, 400, 1).nfe).toBeLessThanOrEqual(CELLS);
  expect(run({ kind: "none" }, 400, 1).events.length).toBeGreaterThan(CELLS);
});

test.each<[string, RemaskRule]>([
  ["cap", { kind: "cap", eta: 0.05 }],
  ["rescale", { kind: "rescale", eta: 0.3 }],
  ["conf", { kind: "conf" }],
])("%s keeps the marginals: the share of masks is the time", (_name, rule) => {
  const [steps, runs] = [16, 150];
  const masks = new Array<number>(steps).fill(0);
  let remasks = 0;
  for (let seed = 0; seed < runs; seed++) {
    for (const [step, event] of run(rule, steps, seed).events.entries()) {
      masks[step]! += event.masksLeft / CELLS / runs;
      remasks += event.remasks.length;
    }
  }
  expect(remasks).toBeGreaterThan(runs);
  // `conf` shares out what each token may take back, so that less is taken in all.
  if (rule.kind === "conf") return;
  for (let step = 0; step < steps - 1; step++) {
    expect(Math.abs(masks[step]! - (1 - (step + 1) / steps))).toBeLessThan(0.04);
  }
});

test("the loop takes tokens back in its middle alone", () => {
  const steps = 100;
  const at: number[] = [];
  for (let seed = 0; seed < 10; seed++) {
    for (const [step, { remasks }] of run(LOOP, steps, seed).events.entries()) {
      if (remasks.length > 0) at.push(1 - step / steps);
    }
  }
  expect(at.length).toBeGreaterThan(10);
  expect(Math.max(...at)).toBeLessThanOrEqual(0.56);
  expect(Math.min(...at)).toBeGreaterThanOrEqual(0.04);
});
