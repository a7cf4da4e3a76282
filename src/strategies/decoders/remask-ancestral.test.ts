import { expect, test } from "vitest";
import { continuationCanvas, countMasks } from "../canvas.ts";
import { decode, type StepEvent, startState } from "../decode.ts";
import { createOracle } from "../oracle/oracle.ts";
import { ORACLE_DEFAULTS } from "../oracle/oracle-logits.ts";
import { seededRng } from "../rng.ts";
import type { Strategy } from "../strategy.ts";
import { plain } from "../testing/scenes.ts";
import { remaskAncestral } from "./remask-ancestral.ts";
import { mixtureAt, type RemaskRule } from "./remask-mixture.ts";

const CELLS = 24;
const { mask } = ORACLE_DEFAULTS;
const LOOP: RemaskRule = { kind: "loop", eta: 0.02, on: 0.55, off: 0.05, alpha: 0.9 };

interface Run {
  readonly events: StepEvent[];
  readonly nfe: number;
  /** Masks after each step of the process, those included that changed nothing. */
  readonly masks: readonly number[];
  /** Steps of the process, from 0, that took tokens back. */
  readonly remasked: readonly number[];
}

function run(rule: RemaskRule, steps: number, seed: number): Run {
  const { selector, reviser } = remaskAncestral(rule, steps);
  const strategy: Strategy = plain({ selector, ...(rule.kind === "none" ? {} : { reviser }) }, CELLS);
  const state = startState(continuationCanvas([1, 2], CELLS, mask));
  const traits = { maskId: mask, suppress: [mask], attention: { kind: "full" } } as const;
  const oracle = createOracle(3, ORACLE_DEFAULTS);
  const decoder = decode(strategy, traits, state, seededRng(seed));
  const events: StepEvent[] = [];
  const masks: number[] = [];
  const remasked: number[] = [];
  let turn = decoder.next();
  while (turn.done !== true) {
    const output = turn.value;
    if (output.type === "step") {
      const { time } = state.memory["remask-ancestral"] as { time: number };
      while (masks.length < time - 1) masks.push(masks.at(-1) ?? CELLS);
      masks.push(output.masksLeft);
      events.push(output);
      if (output.remasks.length > 0) remasked.push(time - 1);
    }
    turn = decoder.next(output.type === "request" ? oracle.forward(output.request) : undefined);
  }
  expect(turn.value).toBe("complete");
  expect(countMasks(state.canvas)).toBe(0);
  return { events, nfe: state.nfe, masks, remasked };
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
  const { nfe, masks } = run({ kind: "none" }, 4000, 1);
  expect(nfe).toBeLessThanOrEqual(CELLS);
  expect(masks.length).toBeGreaterThan(1000);
});

test.each<[string, RemaskRule]>([
  ["none", { kind: "none" }],
  ["cap", { kind: "cap", eta: 0.05 }],
  ["rescale", { kind: "rescale", eta: 0.3 }],
])("%s keeps the marginals: the share of masks is the time", (_name, rule) => {
  const [steps, runs] = [16, 150];
  const share = new Array<number>(steps).fill(0);
  let taken = 0;
  for (let seed = 0; seed < runs; seed++) {
    const { masks, remasked } = run(rule, steps, seed);
    for (let step = 0; step < steps; step++) share[step]! += (masks[step] ?? 0) / CELLS / runs;
    taken += remasked.length;
  }
  if (rule.kind !== "none") expect(taken).toBeGreaterThan(runs);
  for (let step = 0; step < steps - 1; step++) {
    expect(Math.abs(share[step]! - (1 - (step + 1) / steps))).toBeLessThan(0.04);
  }
});

test("conf takes back tokens that were written with little confidence rather than others", () => {
  let [kept, taken, keptCount, takenCount] = [0, 0, 0, 0];
  for (let seed = 0; seed < 60; seed++) {
    const conf = new Map<number, number>();
    for (const { commits, remasks } of run({ kind: "conf" }, 32, seed).events) {
      const back = new Set(remasks.map(({ row }) => row));
      for (const [row, p] of remasks.length > 0 ? conf : []) {
        if (back.has(row)) [taken, takenCount] = [taken + p, takenCount + 1];
        else [kept, keptCount] = [kept + p, keptCount + 1];
      }
      for (const row of back) conf.delete(row);
      for (const { row, conf: p } of commits) conf.set(row, p!);
    }
  }
  expect(takenCount).toBeGreaterThan(60);
  expect(taken / takenCount).toBeLessThan(kept / keptCount);
});

test("the loop takes tokens back in its middle alone", () => {
  const steps = 100;
  const at: number[] = [];
  for (let seed = 0; seed < 10; seed++) {
    for (const step of run(LOOP, steps, seed).remasked) at.push(1 - step / steps);
  }
  expect(at.length).toBeGreaterThan(10);
  expect(Math.max(...at)).toBeLessThanOrEqual(0.56);
  expect(Math.min(...at)).toBeGreaterThanOrEqual(0.04);
});
