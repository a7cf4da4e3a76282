import fc from "fast-check";
import { expect, test } from "vitest";
import { type Canvas, countMasks, FILLED, GIVEN, MASKED } from "../canvas.ts";
import { decode, type StepEvent } from "../decode.ts";
import { PRESETS } from "../recipe/presets.ts";
import { seededRng } from "../rng.ts";
import type { DecodeState } from "../strategy.ts";
import { check, MASK, ROOM, run, type Scene, sceneOf, TRAITS } from "../testing/preset-scenes.ts";

/** The properties that hold for any strategy on any oracle (strategies note, section 12); P17: signals.property.test.ts. */

/** Forwards that a strategy may take at most. */
function boundOf({ name, settings }: Scene): number {
  const { length, block, steps } = settings;
  const blocks = Math.ceil(length / block);
  if (name === "gemma-eb") return 48 * blocks;
  if (PRESETS[name]!.moreSteps === true && PRESETS[name]!.revises === true) return steps + blocks;
  if (PRESETS[name]!.keys.includes("steps")) return Math.min(length, steps + blocks);
  if (name === "daedal") return ROOM / 8 + 1 + ROOM;
  if (name === "remdm") return length + blocks * 2 * Math.max(1, Math.floor(block / 4));
  if (name === "llada2-edit") return length + 4 * blocks;
  if (name === "wino" || name === "warm-start") return length + blocks;
  return length;
}

test("P1: given cells never change", () => {
  check(({ state: first }, { canvas }) => {
    const cells = ({ ids, kinds, slots }: Canvas) =>
      Array.from(kinds.keys())
        .filter((row) => kinds[row] === GIVEN)
        .map((row) => [slots[row], ids[row]]);
    expect(cells(canvas)).toEqual(cells(first.canvas));
  });
});

test("P2: the mask is never committed", () => {
  check((_input, _state, events) => {
    for (const { commits, overwrites } of events) {
      expect([...commits, ...overwrites].some(({ id }) => id === MASK)).toBe(false);
    }
  });
});

test("P3: no mask is left at the end", () => {
  check((_input, state, events, verdict) => {
    expect(["complete", "eos"]).toContain(verdict);
    expect(state.canvas.kinds.includes(MASKED)).toBe(false);
    expect(events.at(-1)!.masksLeft).toBe(0);
  });
});

test("P4: forwards stay within the bound of the strategy", () => {
  check((input, { nfe }) => {
    expect(nfe).toBeLessThanOrEqual(boundOf(input));
    expect(nfe).toBeGreaterThanOrEqual(1);
  });
});

test("P5: the same seed and oracle give the same events", () => {
  check(
    (input, _state, events) => {
      expect(run(input, structuredClone(input.state)).events).toEqual(events);
    },
    undefined,
    15,
  );
});

test("P6: folding the events over the first canvas gives the last", () => {
  check((input, { canvas }, events) => {
    const ids = Array.from(input.state.canvas.ids);
    for (const { commits, remasks, overwrites, inserts, deletes } of events) {
      for (const { row, id } of commits) ids[row] = id;
      for (const { row } of remasks) ids[row] = MASK;
      for (const { row, id } of overwrites) ids[row] = id;
      for (const { at, n } of inserts) ids.splice(at, 0, ...new Array<number>(n).fill(MASK));
      for (const { at, n } of deletes) ids.splice(at, n);
    }
    expect(ids).toEqual(Array.from(canvas.ids));
  });
});

test("P7: a state cloned at any step resumes with the same suffix", () => {
  for (const name of Object.keys(PRESETS)) {
    fc.assert(
      fc.property(sceneOf([name]), fc.nat(20), (input, at) => {
        const whole = run(input, structuredClone(input.state)).events;
        const cut = at % whole.length;
        const state = structuredClone(input.state);
        const decoder = decode(input.strategy, TRAITS, state, seededRng(input.seed));
        let turn = decoder.next();
        for (let steps = 0; turn.done !== true; ) {
          if (turn.value.type === "step" && steps++ === cut) break;
          turn = decoder.next(
            turn.value.type === "request" ? input.oracle.forward(turn.value.request) : undefined,
          );
        }
        // The divergences of KLASS live with the model, which forgets them when a run is taken up again.
        if (input.strategy.selector.tracksKl === true) return;
        const saved: DecodeState = structuredClone(state);
        expect(run(input, saved).events).toEqual(whole.slice(cut + 1));
      }),
      { numRuns: 15 },
    );
  }
});

test("P8: commits less remasks are the cells that were filled", () => {
  check(({ state: first, name }, state, events) => {
    if (PRESETS[name]!.continuationOnly === true) return;
    const sum = (of: (event: StepEvent) => number): number =>
      events.reduce((total, event) => total + of(event), 0);
    const filled = countMasks(first.canvas) - countMasks(state.canvas);
    expect(sum(({ commits }) => commits.length) - sum(({ remasks }) => remasks.length)).toBe(filled);
  });
});

test("P9: a block is clean before a row of a later block is committed", () => {
  const fixed = Object.keys(PRESETS).filter((name) => {
    const { continuationOnly, revises } = PRESETS[name]!;
    return continuationOnly !== true && revises !== true && name !== "adablock";
  });
  check(({ settings, strategy }, state, events) => {
    if (strategy.stop !== undefined) return;
    let last = 0;
    for (const { commits } of events) {
      for (const { row } of commits) {
        const block = Math.floor(state.targets.indexOf(row) / settings.block);
        expect(block).toBeGreaterThanOrEqual(last);
        last = block;
      }
    }
  }, fixed);
});

test("P16: the canvas stays within the room there is and no identity is used twice", () => {
  check(({ state: first }, { canvas, targets }) => {
    expect(targets.length).toBeLessThanOrEqual(Math.max(ROOM, first.targets.length));
    expect(new Set(canvas.slots).size).toBe(canvas.ids.length);
  });
});

test("P19: a run that is left at any step leaves a valid canvas", () => {
  check(
    (input) => {
      const state = structuredClone(input.state);
      const decoder = decode(input.strategy, TRAITS, state, seededRng(input.seed));
      let turn = decoder.next();
      for (let i = 0; i < 7 && turn.done !== true; i++) {
        turn = decoder.next(
          turn.value.type === "request" ? input.oracle.forward(turn.value.request) : undefined,
        );
      }
      for (const [row, kind] of state.canvas.kinds.entries()) {
        expect(kind === MASKED).toBe(state.canvas.ids[row] === MASK);
        expect([GIVEN, MASKED, FILLED]).toContain(kind);
      }
    },
    undefined,
    15,
  );
});
