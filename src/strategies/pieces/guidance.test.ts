import { expect, test } from "vitest";
import { continuationCanvas } from "../canvas.ts";
import { decode, startState } from "../decode.ts";
import { createOracle, type Oracle } from "../oracle/oracle.ts";
import { ORACLE_DEFAULTS } from "../oracle/oracle-logits.ts";
import { runScripted } from "../oracle/run-scripted.ts";
import type { GuidanceSettings } from "../recipe/preset.ts";
import { buildStrategy, findPreset } from "../recipe/presets.ts";
import { seededRng } from "../rng.ts";
import { testSettings } from "../testing/test-settings.ts";

const MASK = ORACLE_DEFAULTS.mask;

/** Sixteen cells in two blocks, one a step. `agreements` replaces what the oracle measured, step by step. */
function run(guidance: GuidanceSettings, agreements?: readonly number[]) {
  const settings = testSettings(16, { block: 8, guidance });
  const hints = { eos: [], pad: 61, delimiters: [], room: 40 };
  const state = startState(continuationCanvas([1, 2, 3], 16, MASK));
  const strategy = buildStrategy(findPreset("llada"), settings, hints);
  const traits = { maskId: MASK, suppress: [MASK], attention: { kind: "full" } } as const;
  const inner = createOracle(6, ORACLE_DEFAULTS);
  const branches: number[] = [];
  const hidden: number[][] = [];
  const oracle: Oracle = {
    ...inner,
    forward: (request) => {
      branches.push(request.canvases.length);
      const [seen, other] = request.canvases;
      hidden.push(Array.from(seen!.keys()).filter((row) => other?.[row] === MASK && seen![row] !== MASK));
      const stats = inner.forward(request);
      const agreement = agreements?.[branches.length - 1];
      return stats.agreement === undefined || agreement === undefined ? stats : { ...stats, agreement };
    },
  };
  const { events } = runScripted(decode(strategy, traits, state, seededRng(1)), oracle);
  return { branches, hidden, state, commits: events.flatMap(({ commits }) => commits) };
}

const CFG = { cfg: 1.5 };

test("the second branch is left out for the rest of a block once it agreed often enough in a row", () => {
  const agreements = [0.5, 0.995, 0.5, 0.995, 0.995, 0, 0, 0, 0.1, 0.999, 1, 0, 0, 0, 0, 0];
  const { branches, state } = run({ ...CFG, adaptive: { cosine: 0.99, steps: 2 } }, agreements);
  expect(branches).toEqual([2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1]);
  expect(state).toMatchObject({ nfe: 16, branchNfe: 24, rows: 24 * 19 });
});

test("branches that never agree are always guided, and the text is that of plain guidance", () => {
  const { branches, commits } = run({ ...CFG, adaptive: { cosine: 1, steps: 1 } });
  expect(branches).toEqual(new Array(16).fill(2));
  expect(commits).toEqual(run(CFG).commits);
});

test("branches that always agree cost one evaluation more a block and step asked for", () => {
  const { branches } = run({ ...CFG, adaptive: { cosine: -1, steps: 1 } });
  expect(branches).toEqual([2, ...new Array(7).fill(1), 2, ...new Array(7).fill(1)]);
});

test("residual guidance evaluates the second branch when a block opens, and every few forwards", () => {
  const once = run({ ...CFG, residual: { every: 0, decay: 1 } });
  expect(once.branches).toEqual([2, ...new Array(7).fill(1), 2, ...new Array(7).fill(1)]);
  expect(once.state.branchNfe).toBe(18);
  expect(run({ ...CFG, residual: { every: 3, decay: 1 } }).branches).toEqual([
    ...[2, 1, 1, 2, 1, 1, 2, 1],
    ...[2, 1, 1, 2, 1, 1, 2, 1],
  ]);
});

test("a branch that is evaluated every time is plain guidance, and a kept one still guides", () => {
  const plain = run(CFG).commits;
  expect(run({ ...CFG, residual: { every: 1, decay: 1 } }).commits).toEqual(plain);
  const kept = run({ ...CFG, residual: { every: 0, decay: 1 } }).commits;
  expect(kept).not.toEqual(run({ cfg: 0 }).commits);
  expect(kept[0]).toEqual(plain[0]);
});

test("without a scale there is nothing to leave out", () => {
  expect(run({ cfg: 0, adaptive: { cosine: 0, steps: 1 } }).branches).toEqual(new Array(16).fill(1));
});

test("weak guidance hides the least confident tokens from the second branch, and never the prompt", () => {
  const { branches, hidden, commits } = run({ ...CFG, weak: { share: 0.4 } });
  expect(branches).toEqual(new Array(16).fill(2));
  expect(hidden.map((rows) => rows.length)).toEqual(
    Array.from({ length: 16 }, (_, written) => Math.ceil(0.4 * written)),
  );
  for (const [written, rows] of hidden.entries()) {
    const before = commits.slice(0, written);
    expect(before.map(({ row }) => row)).toEqual(expect.arrayContaining(rows));
  }
  expect(commits).not.toEqual(run(CFG).commits);
});

test("a second branch that hides nothing is the first", () => {
  expect(run({ ...CFG, weak: { share: 0 } }).commits).toEqual(run({ cfg: 0 }).commits);
});
