import { describe, expect, test } from "vitest";
import { compileConstraint } from "../../constraints/constraint.ts";
import { utf8Bytes } from "../../constraints/utf8.ts";
import type { ForwardRequest, RowStats } from "../../core/types.ts";
import { fixedBlocks } from "../blocks.ts";
import { decode, type StepEvent, startState } from "../decode.ts";
import { entropyBoundSelector } from "../decoders/entropy-bound.ts";
import { slowFastSelector } from "../decoders/slowfast.ts";
import { seededRng } from "../rng.ts";
import type { Strategy } from "../strategy.ts";
import { MASK, masks, statsOf, V } from "../testing/play.ts";
import { constrained } from "./constrain.ts";
import { gumbelSampler } from "./sampler.ts";
import { entropyScorer, probabilityScorer } from "./scorer.ts";
import { quotaSelector, thresholdSelector } from "./selector.ts";

/** A vocabulary of single letters. */
const letter = (id: number): string => String.fromCodePoint(0x100 + id);
const tokens = Array.from({ length: V }, (_, id) =>
  Uint8Array.from(id === MASK ? [] : utf8Bytes(letter(id))),
);
const any = (...ids: number[]): string => `[${ids.map(letter).join("")}]`;

/** What the model says of one cell: a probability for each listed token, the rest evenly spread. */
type Says = (row: number, canvas: Int32Array) => Record<number, number>;

interface Played {
  readonly events: readonly StepEvent[];
  readonly requests: readonly ForwardRequest[];
  readonly ids: number[];
  readonly nfe: number;
}

/** Decodes `cells` masks under an expression. */
function play(
  regex: string,
  cells: number,
  pieces: Partial<Strategy> & Pick<Strategy, "selector">,
  says: Says,
  path?: "greedy" | "best",
): Played {
  const span = { start: 0, end: cells };
  const compiled = compileConstraint({ regex }, { tokens, endIds: [], excluded: [MASK] }, () => []);
  const strategy: Strategy = {
    blocks: fixedBlocks(cells),
    sampler: gumbelSampler({ temperature: 0, topK: 0, topP: 1 }),
    scorer: probabilityScorer,
    guidance: { kind: "none" },
    ...pieces,
  };
  const state = startState(masks(cells));
  const limited = constrained(strategy, ({ ids }) => [compiled.track(ids, span, MASK)], path);
  const traits = { maskId: MASK, suppress: [MASK], attention: { kind: "full" } } as const;
  const decoder = decode(limited, traits, state, seededRng(1));
  const events: StepEvent[] = [];
  const requests: ForwardRequest[] = [];
  let lent: RowStats | undefined;
  for (let turn = decoder.next(); turn.done !== true; ) {
    const output = turn.value;
    if (output.type === "step") events.push(output);
    if (output.type === "request") {
      const { rows, signals, canvases } = output.request;
      requests.push(output.request);
      // Statistics are lent until the next forward.
      lent?.topLogits.fill(Number.NaN);
      lent?.lse.fill(Number.NaN);
      lent = statsOf(
        rows,
        signals,
        canvases[0]!,
        (row) => new Map(Object.entries(says(row, canvases[0]!)).map(([id, p]) => [Number(id), p])),
      );
      turn = decoder.next(lent);
    } else {
      turn = decoder.next(undefined);
    }
  }
  return { events, requests, ids: Array.from(state.canvas.ids), nfe: state.nfe };
}

const rowsOf = ({ events }: Played): number[][] => events.map(({ commits }) => commits.map(({ row }) => row));
const threshold = { selector: thresholdSelector(0.5) };
const llada = { selector: quotaSelector({ steps: 2, keepZeroSteps: false }) };
const eb = { selector: entropyBoundSelector(0.1), scorer: entropyScorer };

describe.each([
  ["a threshold", threshold],
  ["a quota", llada],
  ["an entropy bound", eb],
])("%s", (_name, pieces) => {
  test("does not see how probable a token is that is not allowed", () => {
    const played = play(`${any(2)}${any(3)}`, 2, pieces, (row) =>
      row === 0 ? { 1: 0.99, 2: 0.005 } : { 3: 0.6, 4: 0.05 },
    );
    expect(rowsOf(played)).toEqual([[1], [0]]);
    expect(played.events[1]!.commits[0]!.conf).toBeCloseTo(0.005, 6);
    expect(played.nfe).toBe(2);
  });

  test("leaves a row for last of whose tokens none that is listed is allowed, and then asks for those that are", () => {
    // Tokens 0 to 63 are the best ones of row 0, so that its allowed ones are not listed.
    const listed = Object.fromEntries(Array.from({ length: 64 }, (_, id) => [id, 0.015]));
    const played = play(`${any(100, 101, 102)}${any(3)}`, 2, pieces, (row) =>
      row === 0 ? { ...listed, 101: 0.002 } : { 3: 0.1 },
    );
    expect(rowsOf(played)).toEqual([[1], [0]]);
    expect(played.ids).toEqual([101, 3]);
    expect(played.events[1]!.commits[0]!.conf).toBeCloseTo(0.002, 6);
    expect(played.events.map(({ nfe }) => nfe)).toEqual([1, 3]);
    expect(played.requests.map(({ signals }) => signals.gather?.width)).toEqual([undefined, undefined, 3]);
    expect(played.requests[2]!.rows).toEqual(Int32Array.of(0));
    expect(Array.from(played.requests[2]!.signals.gather!.ids)).toEqual([100, 101, 102]);
  });
});

test("tokens of one step that contradict each other are not written together, nor is another in their place", () => {
  const says: Says = (row, canvas) =>
    row === 0 ? { 1: 0.9, 5: 0.05 } : canvas[0] === MASK ? { 6: 0.8, 2: 0.05 } : { 2: 0.7 };
  const played = play(`(${any(1)}${any(2)}|${any(5)}${any(6)})`, 2, threshold, says);
  expect(rowsOf(played)).toEqual([[0], [1]]);
  expect(played.ids).toEqual([1, 2]);
  expect(played.events[1]!.commits[0]).toMatchObject({ reason: "threshold", row: 1 });
});

test("the best path writes what is most probable together", () => {
  const says: Says = (row) => (row === 0 ? { 1: 0.5, 5: 0.45 } : { 6: 0.8, 2: 0.05 });
  const played = play(`(${any(1)}${any(2)}|${any(5)}${any(6)})`, 2, threshold, says, "best");
  expect(rowsOf(played)).toEqual([[0, 1]]);
  expect(played.ids).toEqual([5, 6]);
});

test("the best path leaves a cell masked that no listed token fits beside the others", () => {
  // The partner of each listed token lies outside what is listed.
  const top = (from: number): Record<number, number> =>
    Object.fromEntries(Array.from({ length: 64 }, (_, i) => [from + i, 0.015 - i * 1e-5]));
  const says: Says = (row, canvas) =>
    canvas[0] === MASK ? top(row === 0 ? 0 : 60) : { 100: 0.001, 101: 0.02 };
  const played = play(
    `(${any(1)}${any(1, 2)}|${any(126, 125)}${any(100)})`,
    2,
    { selector: thresholdSelector(0) },
    says,
    "best",
  );
  expect(rowsOf(played).map((rows) => rows.length)).toEqual([1, 1]);
  expect([
    [1, 1],
    [1, 2],
    [126, 100],
    [125, 100],
  ]).toContainEqual(played.ids);
});

test("a margin is that of the two best tokens that are allowed", () => {
  const marginSelector = thresholdSelector(2);
  const played = play(
    `${any(2, 3)}${any(4, 5)}`,
    2,
    {
      selector: marginSelector,
      scorer: {
        needs: { topK: 2 },
        score: ({ stats: { topLogits, lse, k }, candidates: { at } }) =>
          Float64Array.from(
            at,
            (r) => Math.exp(topLogits[r * k]! - lse[r]!) - Math.exp(topLogits[r * k + 1]! - lse[r]!),
          ),
        confidence: "score",
      },
    },
    (row) => (row === 0 ? { 1: 0.5, 2: 0.25, 3: 0.2 } : { 4: 0.5, 5: 0.35 }),
  );
  expect(rowsOf(played)).toEqual([[1], [0]]);
  expect(played.events.map(({ commits }) => commits[0]!.conf)).toEqual([
    expect.closeTo(0.15, 6),
    expect.closeTo(0.05, 6),
  ]);
});

test("a decoder that would wait for just the rows it has to leave takes the best of the others", () => {
  const selector = slowFastSelector({ exploration: 1, reach: 0.3, window: 1, deviation: 1, threshold: 0.9 });
  const listed = Object.fromEntries(Array.from({ length: 64 }, (_, id) => [id, 0.015]));
  const played = play(`${any(100, 101)}${any(3)}${any(4)}${any(5)}`, 4, { selector }, (row) =>
    row === 0 ? { ...listed, 101: 0.002 } : { 3: 0.1, 4: 0.1, 5: 0.1 },
  );
  expect(played.ids).toEqual([101, 3, 4, 5]);
  // Row 1 in the slow phase; the stretch is row 0, for which row 2 stands in until nothing else is in sight.
  expect(rowsOf(played)).toEqual([[1], [2], [0], [3]]);
});

test("rows of many allowed tokens are asked about a bounded number at a time", () => {
  const listed = Object.fromEntries(Array.from({ length: 64 }, (_, id) => [id, 0.015]));
  const rest = Array.from({ length: 60 }, (_, i) => 64 + i);
  const cells = 5000;
  const played = play(`${any(...rest)}*`, cells, { selector: thresholdSelector(0) }, () => ({
    ...listed,
    99: 0.001,
  }));
  expect(played.ids.every((id) => id === 99)).toBe(true);
  for (const { signals, rows } of played.requests) {
    if (signals.gather === undefined) continue;
    expect(signals.gather.ids.length).toBe(rows.length * 60);
    expect(signals.gather.ids.length).toBeLessThanOrEqual(2 ** 18);
  }
  expect(played.nfe).toBe(4);
});

test("a canvas that has come to contradict the constraint is refused", () => {
  const compiled = compileConstraint(
    { regex: `${any(1)}{2}` },
    { tokens, endIds: [], excluded: [MASK] },
    () => [],
  );
  const canvas = masks(2);
  canvas.ids[0] = 2;
  canvas.kinds[0] = 0;
  const strategy: Strategy = {
    blocks: fixedBlocks(2),
    sampler: gumbelSampler({ temperature: 0, topK: 0, topP: 1 }),
    scorer: probabilityScorer,
    guidance: { kind: "none" },
    ...threshold,
  };
  const limited = constrained(strategy, ({ ids }) => [compiled.track(ids, { start: 0, end: 2 }, MASK)]);
  const traits = { maskId: MASK, suppress: [MASK], attention: { kind: "full" } } as const;
  const decoder = decode(limited, traits, startState({ ...canvas }), seededRng(1));
  const request = decoder.next();
  if (request.done === true || request.value.type !== "request") throw new Error("no request");
  const { rows, signals } = request.value.request;
  const stats = statsOf(rows, signals, canvas.ids, () => new Map([[1, 0.5]]));
  expect(() => decoder.next(stats)).toThrow("cannot be met in 2 cells");
});
