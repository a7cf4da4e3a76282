import { expect, test } from "vitest";
import type { RowStats } from "../core/types.ts";
import { createDivergenceTracker } from "../math/divergence.ts";
import { allocateRowStats, reduceRows } from "../math/row-stats.ts";
import { fixedBlocks } from "./blocks.ts";
import { type Canvas, continuationCanvas, createCanvas, FILLED, MASKED } from "./canvas.ts";
import { decode, type StepEvent, startState } from "./decode.ts";
import { adaptiveBlocks } from "./decoders/adablock.ts";
import { creditSampler } from "./decoders/credit.ts";
import { daedal, endConfidence } from "./decoders/daedal.ts";
import { dynamicBlockSelector } from "./decoders/dynamic-block.ts";
import { entropyBoundSelector, entropyThresholdSelector } from "./decoders/entropy-bound.ts";
import { eotpControl } from "./decoders/eotp.ts";
import { factorSelector } from "./decoders/factor.ts";
import { freeDave } from "./decoders/freedave.ts";
import { hierarchySelector } from "./decoders/hierarchy.ts";
import { klassSelector } from "./decoders/klass.ts";
import { learn2pdSelector } from "./decoders/learn2pd.ts";
import { localLeapSelector } from "./decoders/local-leap.ts";
import { overwriteReviser } from "./decoders/overwrite.ts";
import { positionCalibratedScorer } from "./decoders/pc-sampler.ts";
import { prophetStop } from "./decoders/prophet.ts";
import { renoise } from "./decoders/renoise.ts";
import { saber } from "./decoders/saber.ts";
import { slowFastSelector } from "./decoders/slowfast.ts";
import { tokenEditReviser } from "./decoders/token-edit.ts";
import { scepticalReviser } from "./decoders/warm-start.ts";
import { wino } from "./decoders/wino.ts";
import { seededRng } from "./rng.ts";
import { gumbelSampler } from "./sampler.ts";
import { entropyScorer, probabilityScorer } from "./scorer.ts";
import { quotaSelector, thresholdSelector } from "./selector.ts";
import type { DecodeState, Selector, Step, Strategy } from "./strategy.ts";

/**
 * The worked examples of the strategies note, by its section numbers, on statistics that are written down. (Quotas, 4.1
 * and 4.2: quota.test.ts; threshold, 4.3: selector.test.ts; 3.5: guided.test.ts; 3.13: guidance.test.ts; 6.1 and 6.2:
 * src/constraints; 3.11, 3.12 and 7.2: src/search.)
 */

const V = 128;
const MASK = V - 1;

/** What the model says of one cell: a probability for each listed token, the rest evenly spread. */
type Say = ReadonlyMap<number, number>;

/** The best token of a cell, by default one of its own. */
const says = (p: number, id: number): Say => new Map([[id, p]]);

interface Asked {
  readonly row: number;
  readonly step: number;
  readonly canvas: Int32Array;
  readonly isDraft: boolean;
}

interface Scene {
  readonly canvas: Canvas;
  readonly pieces: Partial<Strategy> & { readonly selector: Selector };
  says(asked: Asked): Say;
  readonly entropy?: readonly number[];
  readonly block?: number;
  readonly steps?: number;
}

function statsOf(
  rows: Int32Array,
  signals: Parameters<typeof allocateRowStats>[1],
  canvas: Int32Array,
  of: (row: number) => Say,
): RowStats {
  const logits = new Float32Array(rows.length * V);
  for (const [r, row] of rows.entries()) {
    const listed = of(row);
    const rest = 1 - [...listed.values()].reduce((sum, p) => sum + p, 0);
    for (let id = 0; id < V; id++) {
      logits[r * V + id] = Math.log(listed.get(id) ?? Math.max(rest, 1e-30) / (V - 1 - listed.size));
    }
  }
  const stats = allocateRowStats(rows, signals, "f64");
  reduceRows(logits, V, canvas, signals, [MASK], stats);
  return stats;
}

/** Plays a scene and returns its steps and the state after them. */
function play({ canvas, pieces, says: say, entropy, block, steps = 1 }: Scene): {
  readonly events: readonly StepEvent[];
  readonly state: DecodeState;
} {
  const state = startState(canvas);
  const strategy: Strategy = {
    blocks: fixedBlocks(block ?? canvas.ids.length),
    sampler: gumbelSampler({ temperature: 0, topK: 0, topP: 1 }),
    scorer: probabilityScorer,
    guidance: { kind: "none" },
    ...pieces,
  };
  const traits = { maskId: MASK, suppress: [MASK], attention: { kind: "full" } } as const;
  const events: StepEvent[] = [];
  const decoder = decode(strategy, traits, state, seededRng(1));
  let step = 0;
  for (let turn = decoder.next(); turn.done !== true; ) {
    const output = turn.value;
    if (output.type === "request") {
      if (events.length >= steps) break;
      const { rows, signals, canvases, drafts = [] } = output.request;
      const main = statsOf(rows, signals, canvases[0]!, (row) =>
        say({ row, step, canvas: canvases[0]!, isDraft: false }),
      );
      if (entropy !== undefined) for (const [r, row] of rows.entries()) main.entropy![r] = entropy[row]!;
      const of = drafts.map((draft) =>
        statsOf(
          draft.rows,
          { ...signals, ...(draft.gather === undefined ? {} : { gather: { width: 1, ids: draft.gather } }) },
          draft.canvas,
          (row) => say({ row, step, canvas: draft.canvas, isDraft: true }),
        ),
      );
      step++;
      turn = decoder.next(drafts.length === 0 ? main : { ...main, drafts: of });
      continue;
    }
    if (output.type === "step") events.push(output);
    turn = decoder.next(undefined);
  }
  return { events, state };
}

/** Masks alone. */
const masks = (cells: number): Canvas => continuationCanvas([], cells, MASK);

/** Cells that are written, -1 for masks; nothing is given. */
function written(ids: readonly number[]): Canvas {
  const canvas = masks(ids.length);
  for (const [row, id] of ids.entries()) {
    if (id < 0) continue;
    canvas.ids[row] = id;
    canvas.kinds[row] = FILLED;
  }
  return canvas;
}

/** Rows that the first step of a selector commits where each cell is this sure of itself. */
function taken(selector: Selector, p: readonly number[], pieces: Partial<Strategy> = {}): number[] {
  const { events } = play({
    canvas: masks(p.length),
    pieces: { selector, ...pieces },
    says: ({ row }) => says(p[row]!, row),
  });
  return events[0]!.commits.map(({ row }) => row);
}

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
    const options = { steps: 1, share: 1, top: 1, most: 3, suppress: [], confidence };
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

test("4.3 factor: thresholds that rise with the rank, and the reference's miscount", () => {
  expect(taken(factorSelector({ factor: 1 }), [0.97, 0.6, 0.9, 0.7, 0.95])).toEqual([0, 2, 4]);
  const p = [0.99, 0.98, 0.97, 0.96, 0.1];
  expect(taken(factorSelector({ factor: 1 }), p)).toHaveLength(4);
  expect(taken(factorSelector({ factor: 1, takesAllOnLastFailure: true }), p)).toHaveLength(5);
});

const ENTROPIES = [0.02, 0.5, 0.05, 0.01, 0.3];

test("4.4 EB-Sampler: the entropies before a row, not its own, are within the bound", () => {
  const rows = (gamma: number): number[] => {
    const { events } = play({
      canvas: masks(5),
      pieces: { selector: entropyBoundSelector(gamma), scorer: entropyScorer },
      says: ({ row }) => says(0.5, row),
      entropy: ENTROPIES,
    });
    return events[0]!.commits.map(({ row }) => row);
  };
  expect(rows(0.1)).toEqual([0, 2, 3, 4]);
  expect(rows(0.01)).toEqual([0, 3]);
  expect(rows(0)).toEqual([3]);
  expect(rows(0.4)).toEqual([0, 1, 2, 3, 4]);
});

test("4.17 dParallel: every row of low entropy, the lowest always", () => {
  const scene: Scene = {
    canvas: masks(5),
    pieces: { selector: entropyThresholdSelector(0.1), scorer: entropyScorer },
    says: ({ row }) => says(0.5, row),
    entropy: ENTROPIES,
  };
  expect(play(scene).events[0]!.commits.map(({ row }) => row)).toEqual([0, 2, 3]);
});

test("4.5 KLASS: the divergence from the step before", () => {
  const tracker = createDivergenceTracker(3);
  const kl = (p: readonly number[], mode: "first" | "next"): number => {
    const out = new Float64Array(1);
    tracker.track(Int32Array.of(0), Float32Array.from(p, Math.log), [0], mode, out);
    return out[0]!;
  };
  expect(kl([0.7, 0.2, 0.1], "first")).toBe(Number.POSITIVE_INFINITY);
  expect(kl([0.72, 0.19, 0.09], "next")).toBeCloseTo(0.0010549, 6);
  expect(kl([0.4, 0.35, 0.25], "next")).toBeGreaterThan(0.01);
});

test("4.5 KLASS: a row is stable after two small divergences, and only then", () => {
  const selector = klassSelector({ threshold: 0.6, divergence: 0.01, history: 2 });
  const memory = new Map<number, number[]>();
  const state = { ...startState(masks(2)), memory: { klass: memory } };
  const picks = (kl: readonly number[], stepInBlock: number): readonly string[] => {
    const rows = Int32Array.of(0, 1);
    const stats = { rows, klPrevious: Float64Array.from(kl) };
    const candidates = { rows, ids: rows, probabilities: Float64Array.of(0.8, 0.7), at: rows };
    const step = { state: { ...state, stepInBlock }, stats, candidates } as unknown as Step; // it looks at nothing else
    return selector.select(step, candidates.probabilities).map(({ index, reason }) => `${index} ${reason}`);
  };
  expect(picks([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY], 0)).toEqual(["0 quota"]);
  expect(picks([0.001, 0.001], 1)).toEqual(["0 quota"]);
  expect(picks([0.001, 0.02], 2)).toEqual(["0 stable"]);
  expect(picks([0.001, 0.001], 3)).toEqual(["0 stable"]);
  expect(picks([0.001, 0.001], 4)).toEqual(["0 stable", "1 stable"]);
});

test("4.6 WINO: takes back what its own masked cell would not say, fewer than were committed", () => {
  const shadow = [0.95, 0.5, 0.91, 0.85];
  const scene = (lastAccepted: number | null): Scene => {
    const pieces = wino({ threshold: 0.6, back: 0.9 });
    const { reviser } = pieces;
    return {
      canvas: written([0, 1, 2, 3, -1, -1, -1, -1, -1, -1, -1, -1]),
      pieces: {
        ...pieces,
        reviser: {
          ...reviser,
          revise: (step, commits) => {
            if (lastAccepted !== null) step.state.memory["wino"] = { block: 0, lastAccepted };
            return reviser.revise(step, commits);
          },
        },
      },
      says: ({ row, isDraft }) => says(isDraft ? shadow[row]! : row >= 4 && row < 7 ? 0.8 : 0.5, row),
    };
  };
  const [first] = play(scene(null)).events;
  expect(first!.commits.map(({ row }) => row)).toEqual([4, 5, 6]);
  expect(first!.remasks.map(({ row }) => row)).toEqual([1, 3]);
  expect(play(scene(2)).events[0]!.remasks).toEqual([{ row: 1 }]);
});

test.each([
  [2, 1],
  [5, 1],
  [9, 2],
  [17, 3],
])("4.7 Saber: of %d committed tokens %d are taken back", (committed, back) => {
  const cells = committed + 2;
  const { events } = play({
    canvas: masks(cells),
    pieces: {
      ...saber({ least: 2 }),
      // As many as the example says; the reviser counts them.
      selector: {
        ...saber({ least: 2 }).selector,
        select: ({ candidates }) =>
          Array.from({ length: committed }, (_, index) => ({ index, reason: "threshold" as const })).filter(
            ({ index }) => index < candidates.rows.length,
          ),
      },
    },
    says: ({ row }) => says(0.5, row),
  });
  expect(events[0]!.commits).toHaveLength(committed);
  expect(events[0]!.remasks).toHaveLength(back);
});

test("4.9 SlowFast: two estimates that agree settle the stretch", () => {
  const options = { exploration: 6, reach: 0.3, window: 2, deviation: 1, threshold: 0.9 };
  const farthest = [6, 7];
  const { state } = play({
    canvas: masks(16),
    steps: 2,
    pieces: { selector: slowFastSelector(options) },
    says: ({ row, step }) =>
      says(row === farthest[step] ? 0.5 : row === 0 ? 0.6 : row === 1 ? 0.55 : 0.1, row),
  });
  expect(state.memory["slowfast"]).toMatchObject({ to: 8, estimates: null, steps: 2 });
});

test("4.10 Prophet: fires on a mean gap that depends on how far the run is", () => {
  const fires = (gaps: readonly number[], step: number): boolean => {
    const cells = gaps.length;
    const state = { ...startState(masks(cells)), step };
    const rows = Int32Array.from(state.targets);
    const topLogits = Float64Array.from(gaps.flatMap((gap) => [gap, 0]));
    const topIds = Int32Array.from(gaps.flatMap(() => [1, 2]));
    const stats = { rows, k: 2, topLogits, topIds, lse: new Float64Array(cells).fill(20) };
    const rule = prophetStop({ steps: 100, gaps: [7.5, 5, 2.5] });
    const traits = { maskId: MASK };
    return rule.stop({ state, stats, traits } as unknown as Step) !== null; // it looks at nothing else
  };
  expect(fires([8.1, 7.2, 6.9, 8, 7.8], 9)).toBe(true);
  const middling = [5.2, 5.2, 5.2, 5.2, 5.2];
  expect(fires(middling, 39)).toBe(true);
  expect(fires(middling, 19)).toBe(false);
});

test("4.11 LocalLeap: neighbours of an anchor need less", () => {
  const p = [0.95, 0.8, 0.76, 0.7, 0.78, 0.79, 0.6, 0.77, 0.2, 0.1];
  expect(taken(localLeapSelector({ threshold: 0.9, relaxed: 0.75, radius: 4 }), p)).toEqual([0, 1, 2, 4]);
});

test("4.12 dynamic blocks: the sure ones when there are enough, else the quota", () => {
  const selector = dynamicBlockSelector({ threshold: 0.85, quota: () => 1 });
  expect(taken(selector, [0.9, 0.3, 0.86, 0.2])).toEqual([0, 2]);
  expect(taken(selector, [0.5, 0.3, 0.2, 0.1])).toEqual([0]);
});

test("4.12 LLaDA2.1: edits a token that the model would write differently", () => {
  const { state } = play({
    canvas: written([7, 8, -1]),
    pieces: {
      selector: thresholdSelector(0.95),
      reviser: tokenEditReviser({ threshold: 0.9, postSteps: 4 }),
    },
    says: ({ row }) => [says(0.99, 7), says(0.93, 9), says(0.5, 1)][row]!,
  });
  expect(Array.from(state.canvas.ids.subarray(0, 2))).toEqual([7, 9]);
});

test("4.13 hierarchy: the best of each run of masks above the low threshold", () => {
  const p = [0.5, 0.7, 0.3, 0, 0, 0.35, 0.2];
  const { events } = play({
    canvas: written([-1, -1, -1, 50, 51, -1, -1]),
    pieces: { selector: hierarchySelector({ threshold: 0.92, low: 0.4 }) },
    says: ({ row }) => says(p[row]!, row),
  });
  expect(events[0]!.commits.map(({ row }) => row)).toEqual([1]);
});

test("4.14 PC-Sampler: place and rarity", () => {
  const [a, b] = [10, 11];
  const frequency: number[] = new Array(V).fill(0);
  frequency[a] = 0.05;
  frequency[b] = 1e-4;
  const scores: number[] = [];
  const scorer = positionCalibratedScorer({ lambda: 0.25, alpha: 10, frequency });
  play({
    canvas: masks(4),
    pieces: {
      selector: quotaSelector({ steps: 4, keepZeroSteps: false }),
      scorer: {
        ...scorer,
        score: (step) => {
          const made = scorer.score(step);
          scores.push(...made);
          return made;
        },
      },
    },
    says: ({ row }) => [says(0.9, a), says(0.6, b), says(0.95, a), says(0.5, b)][row]!,
  });
  expect(scores.map((score) => score.toFixed(3))).toEqual(["2.696", "4.304", "1.726", "2.175"]);
});

test("4.15 AdaBlock: a block ends at the surest delimiter, or at its usual length", () => {
  const delimiter = 100;
  const ends = (early: number, late: number): number => {
    const { state } = play({
      canvas: masks(64),
      pieces: {
        selector: thresholdSelector(0.9),
        blocks: adaptiveBlocks({ size: 32, delimiters: [delimiter], threshold: 0.3 }),
      },
      says: ({ row }) =>
        row === 5 ? says(early, delimiter) : row === 11 ? says(late, delimiter) : says(0.4, row),
    });
    return state.block.end;
  };
  expect(ends(0.35, 0.8)).toBe(12);
  expect(ends(0.2, 0.1)).toBe(32);
});

test("4.16 FreeDave: accepts drafts as far as the step before them agrees", () => {
  const p = [0.9, 0.8, 0.7, 0.6];
  const { events, state } = play({
    canvas: masks(4),
    steps: 2,
    pieces: freeDave({ drafts: 3, threshold: 1 }),
    // The draft with two tokens more disagrees with the one before it about the third cell.
    says: ({ row, canvas }) => says(p[row]!, row === 2 && canvas[1] !== MASK ? 9 : row),
  });
  expect(events.map(({ commits }) => commits.map(({ row, id }) => [row, id]))).toEqual([
    [[0, 0]],
    [
      [1, 1],
      [2, 9],
    ],
  ]);
  expect(state.nfe).toBe(2);
});

test("4.18 DiffusionGemma: accepts in the order of entropy and takes the rest back", () => {
  const { selector, reviser } = renoise({ bound: 0.1, steps: 48, calm: 0.005 });
  const { events, state } = play({
    canvas: written([7, 8, -1, -1, -1]),
    pieces: { selector, reviser },
    says: ({ row }) => says(0.5, row),
    entropy: ENTROPIES,
  });
  expect(events[0]!.commits.map(({ row }) => row)).toEqual([2, 3, 4]);
  expect(events[0]!.remasks).toEqual([{ row: 1 }]);
  expect(Array.from(state.canvas.kinds)).toEqual([FILLED, MASKED, FILLED, FILLED, FILLED]);
});

test("4.20 infill: what stands around the gaps stays, byte for byte", () => {
  const ids = [20, MASK, MASK, 21, 22, MASK, 23];
  const canvas = createCanvas(
    ids,
    [
      { start: 1, end: 3 },
      { start: 5, end: 6 },
    ],
    MASK,
  );
  const { state } = play({
    canvas,
    steps: 9,
    pieces: { selector: thresholdSelector(0.9) },
    says: ({ row }) => says(0.5, row),
  });
  expect(Array.from(state.canvas.ids)).toEqual([20, 1, 2, 21, 22, 5, 23]);
});
