import { expect, test } from "vitest";
import { continuationCanvas, FILLED } from "../canvas.ts";
import { startState } from "../decode.ts";
import type { DecodeState, Step } from "../strategy.ts";
import { eosStop } from "./eos-stop.ts";

const MASK = 63;
const EOS = 62;
const PAD = 61;

/** A continuation of one prompt token; `_` is a mask. */
function stateOf(cells: readonly (number | "_")[]): DecodeState {
  const canvas = continuationCanvas([5], cells.length, MASK);
  for (const [i, id] of cells.entries()) {
    if (id === "_") continue;
    canvas.ids[i + 1] = id;
    canvas.kinds[i + 1] = FILLED;
  }
  return startState(canvas);
}

function stopOf(state: DecodeState) {
  return eosStop([EOS], PAD).stop({ state } as Step); // it looks at nothing else
}

test("fills the tail once an EOS has only filled cells to its left", () => {
  const edit = stopOf(stateOf([1, EOS, "_", EOS, "_", PAD]));
  expect(edit?.commits).toEqual([
    { row: 3, id: PAD, conf: null, reason: "fill" },
    { row: 5, id: PAD, conf: null, reason: "fill" },
  ]);
  expect(edit?.overwrites).toEqual([]);
});

test("overwrites what was committed behind the end", () => {
  expect(stopOf(stateOf([EOS, 7, "_"]))?.overwrites).toEqual([{ row: 2, id: PAD }]);
});

test("waits while a cell left of the EOS is masked, or no EOS stands", () => {
  expect(stopOf(stateOf(["_", EOS, "_"]))).toBeNull();
  expect(stopOf(stateOf([1, 2, 3]))).toBeNull();
});

test("an EOS of the prompt does not count", () => {
  const state = stateOf([1, "_"]);
  state.canvas.ids[0] = EOS;
  expect(stopOf(state)).toBeNull();
});
