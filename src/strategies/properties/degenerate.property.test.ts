import fc from "fast-check";
import { expect, test } from "vitest";
import type { StepEvent } from "../decode.ts";
import { adaptiveBlocks } from "../decoders/adablock.ts";
import { creditSampler } from "../decoders/credit.ts";
import { daedal } from "../decoders/daedal.ts";
import { entropyBoundSelector } from "../decoders/entropy-bound.ts";
import { eotpControl } from "../decoders/eotp.ts";
import { factorSelector } from "../decoders/factor.ts";
import { freeDave } from "../decoders/freedave.ts";
import { hierarchySelector } from "../decoders/hierarchy.ts";
import { klassSelector } from "../decoders/klass.ts";
import { learn2pdSelector } from "../decoders/learn2pd.ts";
import { localLeapSelector } from "../decoders/local-leap.ts";
import { overwriteReviser } from "../decoders/overwrite.ts";
import { positionCalibratedScorer } from "../decoders/pc-sampler.ts";
import { prophetStop } from "../decoders/prophet.ts";
import { remaskLoop } from "../decoders/remask-loop.ts";
import { tokenEditReviser } from "../decoders/token-edit.ts";
import { wino } from "../decoders/wino.ts";
import { cfgGuidance } from "../pieces/guidance.ts";
import { entropyScorer } from "../pieces/scorer.ts";
import { quotaSelector, thresholdSelector } from "../pieces/selector.ts";
import type { Selector } from "../strategy.ts";
import { continued, DELIMITER, EOS, PAD, type Pieces, plain, run, scene } from "../testing/scenes.ts";

/** P11 of the strategies note, section 12: settings at which one decoder is another. */

const oneByOne = (cells: number): Selector => quotaSelector({ steps: cells, keepZeroSteps: false });
const TAU = 0.7;
const threshold = (): Pieces => ({ selector: thresholdSelector(TAU) });
const NOTHING_FILTER = { size: 24, w1: [], b1: [], w2: new Array(24).fill([]), b2: new Array(24).fill(-1e9) };

/** [what, pieces, the same as]; each gets the number of cells and the block. */
const DEGENERATE: readonly (readonly [
  string,
  (cells: number, block: number) => Pieces,
  (cells: number) => Pieces,
])[] = [
  ["a threshold above 1 is one token a step", () => ({ selector: thresholdSelector(1.01) }), one],
  ["a factor of 0 is one token a step", () => ({ selector: factorSelector({ factor: 0 }) }), one],
  [
    "an entropy bound of 0 is one token a step",
    () => ({ selector: entropyBoundSelector(0), scorer: entropyScorer }),
    (cells) => ({ selector: oneByOne(cells), scorer: entropyScorer }),
  ],
  [
    "KLASS without divergence allowed is LLaDA",
    (cells) => ({
      selector: klassSelector({ threshold: 0, divergence: 0, history: 2, plan: oneByOne(cells).plan! }),
    }),
    one,
  ],
  [
    "CreditDecoding with alpha 0 is the threshold",
    () => ({ ...threshold(), sampler: creditSampler({ alpha: 0, gamma: 0.2, decay: 0.8 }) }),
    threshold,
  ],
  [
    "LocalLeap of radius 0 is the threshold",
    () => ({ selector: localLeapSelector({ threshold: TAU, relaxed: 0, radius: 0 }) }),
    threshold,
  ],
  [
    "LocalLeap without relaxation is the threshold",
    () => ({ selector: localLeapSelector({ threshold: TAU, relaxed: TAU, radius: 4 }) }),
    threshold,
  ],
  [
    "hierarchy that never splits is the threshold",
    () => ({ selector: hierarchySelector({ threshold: TAU, low: 1 }) }),
    threshold,
  ],
  ["FreeDave without drafts is one token a step", () => freeDave({ drafts: 1, threshold: 1.01 }), one],
  [
    "ReDiff that never starts is the threshold",
    () => ({
      ...threshold(),
      reviser: overwriteReviser({ steps: 999, share: 0, top: 1, confidence: 0, most: 9 }),
    }),
    threshold,
  ],
  [
    "token editing that is never sure enough is the threshold",
    () => ({ ...threshold(), reviser: tokenEditReviser({ threshold: 1, postSteps: 0 }) }),
    threshold,
  ],
  [
    "WINO that takes nothing back is its own draft rule",
    () => wino({ threshold: TAU, back: 0 }),
    () => ({ selector: wino({ threshold: TAU, back: 0 }).selector }),
  ],
  [
    "remasking without loops is one token a step",
    () => remaskLoop({ filled: (cells) => cells, tokens: 1, loops: 0 }),
    one,
  ],
  [
    "Prophet that is never sure enough is its quota",
    (cells) => {
      const never = Number.POSITIVE_INFINITY;
      return {
        selector: oneByOne(cells),
        stop: prophetStop({ steps: cells, gaps: [never, never, never] }),
      };
    },
    one,
  ],
  [
    "AdaBlock that believes no delimiter has fixed blocks",
    (_cells, block) => ({
      ...threshold(),
      blocks: adaptiveBlocks({ size: block, delimiters: [DELIMITER], threshold: 2 }),
    }),
    threshold,
  ],
  [
    "Learn2PD with a filter that accepts nothing is LLaDA",
    (cells) => ({
      selector: learn2pdSelector({ filter: NOTHING_FILTER, threshold: 0.5, plan: oneByOne(cells).plan! }),
    }),
    one,
  ],
  [
    "PC-Sampler without decay, where all tokens are as common, ranks by probability",
    (cells) => ({
      selector: oneByOne(cells),
      scorer: positionCalibratedScorer({ lambda: 0, alpha: 1e9, frequency: new Array(64).fill(1 / 64) }),
    }),
    one,
  ],
  ["guidance of 0 is none", () => ({ ...threshold(), guidance: cfgGuidance(0) }), threshold],
];

function one(cells: number): Pieces {
  return { selector: oneByOne(cells) };
}

/** What a step does, without the reason it gives. */
const deeds = (events: readonly StepEvent[]): object[] =>
  events.map(({ commits, remasks, overwrites, nfe, masksLeft }) => ({
    commits: commits.map(({ row, id }) => [row, id]),
    remasks,
    overwrites,
    nfe,
    masksLeft,
  }));

test.each(DEGENERATE)("P11: %s", (_what, special, base) => {
  fc.assert(
    fc.property(scene, (input) => {
      const cells = input.canvas.kinds.filter((kind) => kind === 1).length;
      const block = Math.min(input.block, cells);
      const [made, wanted] = [plain(special(cells, block), block), plain(base(cells), block)];
      expect(deeds(run(input, made))).toEqual(deeds(run(input, wanted)));
    }),
    { numRuns: 30 },
  );
});

test("P11: end-of-text prediction that needs more than certainty, and DAEDAL that may not grow, change nothing", () => {
  const never = {
    endIds: [EOS, PAD],
    maxLength: 1,
    block: 8,
    high: TAU,
    low: 0.1,
    factor: 8,
    startEos: 0,
    growEos: 0,
    window: 32,
  };
  fc.assert(
    fc.property(scene, (any) => {
      const input = continued(any);
      const cells = input.canvas.kinds.filter((kind) => kind === 1).length;
      const wanted = deeds(run(input, plain(threshold(), cells)));
      const eotp = eotpControl({
        eosIds: [EOS],
        minConf: 1.01,
        notBefore: "start",
        minTokens: 0,
        scope: "canvas",
      });
      expect(deeds(run(input, plain({ ...threshold(), length: eotp }, cells)))).toEqual(wanted);
      const { selector, length, blocks } = daedal({ ...never, block: cells });
      const { prepare: _, ...grows } = length;
      expect(deeds(run(input, plain({ selector, length: grows, blocks }, cells)))).toEqual(wanted);
    }),
    { numRuns: 30 },
  );
});

test("P11: a threshold of 0 takes one step a block, and PC-Sampler with a steep decay goes left to right", () => {
  fc.assert(
    fc.property(scene, (input) => {
      const cells = input.canvas.kinds.filter((kind) => kind === 1).length;
      const events = run(input, plain({ selector: thresholdSelector(0) }, input.block));
      expect(events).toHaveLength(Math.ceil(cells / input.block));
      const frequency = new Array<number>(64).fill(1 / 64);
      const scorer = positionCalibratedScorer({ lambda: 20, alpha: 10, frequency });
      const rows = run(input, plain({ selector: oneByOne(cells), scorer }, Math.min(cells, 16))).flatMap(
        ({ commits }) => commits.map(({ row }) => row),
      );
      expect(rows).toEqual(rows.toSorted((a, b) => a - b));
    }),
    { numRuns: 30 },
  );
});
