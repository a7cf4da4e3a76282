import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clone } from "../../core/clone.ts";
import type { RowStats } from "../../core/types.ts";
import { type Canvas, countMasks, GIVEN } from "../canvas.ts";
import { decode, type StepEvent } from "../decode.ts";
import { seededRng } from "../rng.ts";
import type { DecodeState } from "../strategy.ts";
import { AXES } from "../testing/axes.ts";
import { accepting, MASK, PAD, run, type Scene, sceneOf, TRAITS } from "../testing/preset-scenes.ts";

/**
 * Presets with what a recipe may put on them: drafts, the entropy guard, end-of-text prediction, growth. Each piece is
 * sound by itself (decode.property.test.ts); here one takes back, cuts or inserts what the other counts on.
 */

/** One step, with what was known before it. */
interface Seen {
  readonly event: StepEvent;
  /** The canvas that the forward was about. */
  readonly before: Canvas;
  readonly planned: readonly number[];
  readonly stepInBlock: number;
  readonly block: number;
}

/** Plays a scene and notes the steps, and the ids that forwards proposed for each cell, by slot. */
function watch(
  { strategy, oracle, seed }: Scene,
  state: DecodeState,
): { seen: readonly Seen[]; proposed: ReadonlyMap<number, ReadonlySet<number>>; verdict: string } {
  const proposed = new Map<number, Set<number>>();
  const note = ({ rows, k, topIds, sampledIds }: RowStats, slots: Int32Array): void => {
    for (const [r, row] of rows.entries()) {
      const ids = proposed.get(slots[row]!) ?? new Set();
      for (const id of [sampledIds[r]!, ...topIds.subarray(r * k, (r + 1) * k)]) ids.add(id);
      proposed.set(slots[row]!, ids);
    }
  };
  const seen: Seen[] = [];
  const decoder = decode(strategy, TRAITS, state, seededRng(seed));
  let known: Omit<Seen, "event"> = { before: state.canvas, planned: [], stepInBlock: 0, block: 0 };
  for (let turn = decoder.next(); ; ) {
    if (turn.done === true) return { seen, proposed, verdict: turn.value };
    const output = turn.value;
    if (output.type === "request") {
      const { canvas, quotas, stepInBlock, block } = state;
      known = { before: clone(canvas), planned: quotas, stepInBlock, block: block.start };
      const stats = oracle.forward(output.request);
      for (const answer of [stats, ...(stats.drafts ?? [])]) note(answer, canvas.slots);
      turn = decoder.next(stats);
      continue;
    }
    if (output.type === "step") seen.push({ ...known, event: output });
    turn = decoder.next(undefined);
  }
}

const givenOf = ({ ids, kinds, slots }: Canvas): readonly (readonly number[])[] =>
  Array.from(kinds.keys())
    .filter((row) => kinds[row] === GIVEN)
    .map((row) => [slots[row]!, ids[row]!]);

/** No more is committed by plan than the block's largest quota, and what was taken back in it. */
function expectPlanned(seen: readonly Seen[]): void {
  let open = { block: -1, most: 0, back: 0 };
  for (const { event, planned, stepInBlock, block } of seen) {
    if (stepInBlock === 0) open = { block, most: Math.max(1, ...planned), back: 0 };
    const byPlan = event.commits.filter(({ reason }) => reason === "quota" || reason === "sampled");
    expect(byPlan.length).toBeLessThanOrEqual(open.most + open.back);
    open.back += event.remasks.length;
  }
}

describe.each(AXES)("%s", (axis) => {
  test.each(accepting(axis))(
    "%s ends, and writes nothing but what a forward proposed, in its own time",
    (name) => {
      fc.assert(
        fc.property(sceneOf([name], axis), fc.nat(12), (input, at) => {
          const state = clone(input.state);
          const { seen, proposed, verdict } = watch(input, state);
          expect(["complete", "eos"]).toContain(verdict);
          expect(countMasks(state.canvas)).toBe(0);
          expect(new Set(state.canvas.slots).size).toBe(state.canvas.slots.length);
          expect(givenOf(state.canvas)).toEqual(givenOf(input.state.canvas));
          for (const { event, before } of seen) {
            for (const { row, id, conf, reason } of event.commits) {
              expect(conf).not.toBeNaN();
              expect(id).not.toBe(MASK);
              // What stands behind the end of a text needs no forward.
              if (reason === "fill" && id === PAD) continue;
              expect(proposed.get(before.slots[row]!)).toContain(id);
            }
          }
          const { selector } = input.strategy;
          if (selector.plan !== undefined && selector.isPending === undefined) expectPlanned(seen);
          // The divergences of KLASS live with the model, which forgets them when a run is taken up again.
          if (selector.tracksKl !== true) expectResumed(input, seen, at % seen.length);
        }),
        { numRuns: 5 },
      );
    },
  );
});

/** A state cloned behind a step goes on as the whole run does. */
function expectResumed(input: Scene, seen: readonly Seen[], cut: number): void {
  const state = clone(input.state);
  const decoder = decode(input.strategy, TRAITS, state, seededRng(input.seed));
  let steps = 0;
  for (let turn = decoder.next(); turn.done !== true; ) {
    if (turn.value.type === "step" && steps++ === cut) break;
    turn = decoder.next(turn.value.type === "request" ? input.oracle.forward(turn.value.request) : undefined);
  }
  expect(run(input, clone(state)).events).toEqual(seen.slice(cut + 1).map(({ event }) => event));
}

const ONE_BY_ONE = ["llada", "llada-random", "first-hitting", "pc", "quota-table"];

test.each(ONE_BY_ONE)(
  "%s with as many steps as cells writes one at a time, whatever is left of a draft",
  (name) => {
    fc.assert(
      fc.property(sceneOf([name], "placed"), (input) => {
        const { length } = input.settings;
        fc.pre(name === "first-hitting" || input.settings.steps >= length);
        const state = clone(input.state);
        const { events } = run(input, state);
        for (const { commits } of events) {
          expect(commits.filter(({ reason }) => reason === "quota").length).toBeLessThanOrEqual(1);
        }
        expect(state.nfe).toBeLessThanOrEqual(length + 1);
      }),
      { numRuns: 12 },
    );
  },
);
