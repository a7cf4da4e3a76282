import { expect, test } from "vitest";
import type { Canvas } from "../canvas.ts";
import { startState } from "../decode.ts";
import { creditSampler } from "../decoders/credit.ts";
import { daedal, endConfidence } from "../decoders/daedal.ts";
import { eotpControl } from "../decoders/eotp.ts";
import { learn2pdSelector } from "../decoders/learn2pd.ts";
import { overwriteReviser } from "../decoders/overwrite.ts";
import { scepticalReviser } from "../decoders/warm-start.ts";
import { thresholdSelector } from "../pieces/selector.ts";
import { MASK, masks, play, type Scene, says, statsOf, taken, written } from "../testing/play.ts";

/** Worked examples of the strategies note, section 3: the systems that this project began from. (3.5: guided.test.ts; 3.11, 3.12: src/search; 3.13: guidance.test.ts.) */

test("3.1 Learn2PD: what the filter accepts, and the quota", () => {
  const unit = (i: number): number[] => Array.from({ length: 4 }, (_, j) => (i === j ? 1 : 0));
  const identity = [0, 1, 2, 3].map(unit);
  const filter = {
    size: 4,
    w1: identity,
    b1: [0, 0, 0, 0],
    w2: identity.map((row) => row.map((weight) => 20 * weight)),
    b2: [-19, -19, -19, -19],
  };
  const selector = learn2pdSelector({ filter, threshold: 0.5, plan: () => [1, 1, 1, 1] });
  expect(taken(selector, [0.97, 0.9, 0.99, 0.4])).toEqual([0, 2]);
  expect(taken(selector, [0.5, 0.5, 0.5, 0.5])).toEqual([0]);
});

test("3.1 end-of-text prediction cuts behind the surest predicted end", () => {
  const end = 100;
  const scene = (minConf: number): Scene => ({
    canvas: masks(6),
    pieces: {
      selector: thresholdSelector(0.99),
      length: eotpControl({ eosIds: [end], minConf, notBefore: "start", minTokens: 0, scope: "canvas" }),
    },
    says: ({ row }) => says([0.95, 0.5, 0.6, 0.92, 0.91, 0.2][row]!, row >= 3 ? end : row),
  });
  expect(play(scene(0.9)).events[0]!.deletes).toEqual([{ at: 4, n: 2 }]);
  expect(play(scene(0.93)).events[0]!.deletes).toEqual([]);
});

test("3.2 CreditDecoding: credits and raised probabilities over three steps", () => {
  const steps = [
    [0.5, 0.3, 0.2],
    [0.6, 0.25, 0.15],
    [0.55, 0.35, 0.1],
  ];
  const seen: number[] = [];
  const credits: number[] = [];
  const sampler = creditSampler({ alpha: 0.7, gamma: 0.2, decay: 0.8 });
  play({
    canvas: masks(2),
    steps: 3,
    pieces: {
      sampler: {
        ...sampler,
        draw: (stats, rows, at, state) => {
          const candidates = sampler.draw(stats, rows, at, state);
          const { bySlot } = state.memory["credit"] as { bySlot: Map<number, Map<number, number>> };
          if (rows[0] === 0) {
            seen.push(candidates.probabilities[0]!);
            credits.push(bySlot.get(0)!.get(0)!);
          }
          return candidates;
        },
      },
      // Nothing is committed, so that the cell is looked at three times.
      selector: { select: () => [], isPending: ({ block }) => block.end > 0 },
    },
    says: ({ step }) => new Map(steps[step]!.map((p, id) => [id, p])),
  });
  expect(credits.map((credit) => credit.toFixed(6))).toEqual(["0.870551", "1.599321", "2.166761"]);
  expect(seen.map((p) => p.toFixed(6))).toEqual(["0.607869", "0.745383", "0.732544"]);
});

test("3.3 DAEDAL: fills the sure ones and makes the most doubtful mask three", () => {
  const end = 100;
  const options = {
    endIds: [end],
    maxLength: 40,
    block: 4,
    high: 0.9,
    low: 0.1,
    factor: 3,
    startEos: 0,
    growEos: 0.9,
    window: 2,
  };
  const { selector, length } = daedal(options);
  const { prepare: _, ...grows } = length;
  const p = [0.95, 0.05, 0.3, 0.97];
  const { events, state } = play({
    canvas: masks(4),
    pieces: { selector, length: grows },
    says: ({ row }) => says(p[row]!, row),
  });
  expect(events[0]!.commits.map(({ row }) => row)).toEqual([0, 3]);
  expect(events[0]!.inserts).toEqual([{ at: 2, n: 2 }]);
  expect(Array.from(state.canvas.ids)).toEqual([0, MASK, MASK, MASK, MASK, 3]);
});

test("3.3 DAEDAL divides by the window, however many rows say that the text ends", () => {
  const state = startState(masks(20));
  const rows = Int32Array.from(state.targets);
  const signals = { topK: 1, entropy: false, current: false, probe: [] };
  const stats = statsOf(rows, signals, state.canvas.ids, () => says(0.9, 100));
  expect(endConfidence({ state, stats }, [100], 32)).toBeCloseTo(0.5625);
});

test("3.4 warm start: takes back the injected tokens that the model doubts", () => {
  const scene = (canvas: Canvas): Scene => ({
    canvas,
    pieces: { selector: { select: () => [] }, reviser: scepticalReviser(0.3, "seen") },
    says: ({ row }) =>
      new Map([
        [7 + row, [0.9, 0.5, 0.1][row]!],
        [50, 0.05],
      ]),
  });
  const { state } = play(scene(written([7, -1, 9])));
  expect(Array.from(state.canvas.ids)).toEqual([7, MASK, MASK]);
});

test("3.6 ReDiff: replaces a token by a better one above the confidence", () => {
  const revised = (confidence: number): number[] => {
    const options = { steps: 1, share: 1, top: 1, most: 3, confidence };
    const { state } = play({
      canvas: written([3, 4, -1]),
      pieces: { selector: thresholdSelector(0.9), reviser: overwriteReviser(options) },
      says: ({ row }) => [says(0.99, 3), says(0.95, 9), says(0.5, 1)][row]!,
    });
    return Array.from(state.canvas.ids.subarray(0, 2));
  };
  expect(revised(0.9)).toEqual([3, 9]);
  expect(revised(0.96)).toEqual([3, 4]);
});
