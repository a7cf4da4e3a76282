import { expect, test } from "vitest";
import type { GenerateEvent } from "../../core/events.ts";
import { createTerminalCanvas } from "./terminal-canvas.ts";

const MASK = 0;
const QUIET = { nfe: 1, commits: [], remasks: [], overwrites: [], inserts: [], deletes: [], masksLeft: 0 };
const START: GenerateEvent = {
  type: "start",
  canvas: [1, MASK, MASK],
  maskId: MASK,
  promptLen: 1,
  gaps: [[1, 3]],
  recipe: null,
  seed: 0,
  pieces: { 1: "One", 2: " two", 3: " \u001b[31mthree" },
};

/** What stands on the terminal after the events: the last drawing, without its styles. */
function shown(...steps: readonly Partial<Extract<GenerateEvent, { type: "step" }>>[]): string {
  let last = "";
  const draw = createTerminalCanvas(
    () => 60,
    (text) => {
      last = text;
    },
  );
  draw(START);
  for (const [step, change] of steps.entries()) draw({ type: "step", step, ...QUIET, ...change });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escapes are what is taken away
  return last.replaceAll(/\u001b\[[\dA-Za-z;]*[mJA]|\r/g, "");
}

const commit = (row: number, id: number) => ({ row, id, conf: 1, reason: "quota" as const });

test("tokens take the place of their masks, and lose it again", () => {
  expect(shown()).toBe("One __ __");
  expect(shown({ commits: [commit(2, 2)] })).toBe("One __ two");
  expect(shown({ commits: [commit(2, 2)] }, { remasks: [{ row: 2 }] })).toBe("One __ __");
});

test("a change of length moves what stands behind it", () => {
  expect(shown({ commits: [commit(2, 2)] }, { inserts: [{ at: 1, n: 2 }] })).toBe("One __ __ __ two");
  expect(shown({ commits: [commit(1, 2)] }, { deletes: [{ at: 2, n: 1 }] })).toBe("One two");
});

test("control characters of a token never reach the terminal", () => {
  expect(shown({ commits: [commit(1, 3)] })).toBe("One [31mthree __");
});
