import { beforeEach, expect, test, vi } from "vitest";
import { memoryJournal } from "../harness/memory-journal.ts";
import { ladder, NAIVE } from "./contestants.ts";
import { type RacePlan, racePart } from "./race-part.ts";

const asked = vi.hoisted(() => ({ calls: [] as string[] }));

// The page and the model for it take a browser; what is asked of them and what is kept is the matter here.
vi.mock(import("./same-shape.ts"), async (original) => ({
  ...(await original()),
  writeSameShape: async (scratch: string) => scratch,
}));
vi.mock(import("./browser.ts"), async (original) => {
  const actual = await original();
  return {
    ...actual,
    openBenchPage: async () => ({
      version: "1",
      call: async (name: string, ...given: readonly unknown[]): Promise<never> => {
        asked.calls.push(name);
        const answer = {
          ms: name === "naive" ? 900 : 30,
          forwards: 3,
          rows: 96,
          cells: 90,
          tokens: 6,
          text: "answer 7",
        };
        return (name === "open" ? { reason: "test", given } : answer) as never; // whatever the name stands for
      },
      [Symbol.asyncDispose]: async () => {},
    }),
  };
});

beforeEach(() => {
  asked.calls.length = 0;
});

function plan(given: Partial<RacePlan> = {}): RacePlan {
  const prompts = ["1+6", "3+4"].map((prompt) => ({ task: "add", prompt, answer: "7" }));
  return {
    canvases: [128, 256],
    prompts,
    beyondPrompts: prompts,
    contestants: ladder({ preset: "credit" }),
    best: { preset: "credit" },
    manifest: { variants: {}, vocab: 8, layers: 1, kvWidth: 64 },
    twin: { folder: "", hash: undefined },
    identity: ["test"],
    journal: memoryJournal(),
    signal: new AbortController().signal,
    status: () => {},
    isOver: () => false,
    ...given,
  };
}

test("a race that is whole is not run again, and one that is stopped goes on with the next prompt", async () => {
  const journal = memoryJournal();
  let sitting = 0;
  const first = await racePart(plan({ journal, isOver: () => sitting++ > 2 }), true);
  expect(first.isWhole).toBe(false);
  expect(first.races.map(({ canvas, prompts, planned }) => ({ canvas, prompts, planned }))).toEqual([
    { canvas: 128, prompts: 2, planned: 2 },
  ]);
  expect(asked.calls).not.toContain("openLonger");

  const second = await racePart(plan({ journal }), true);
  expect(second.isWhole).toBe(true);
  expect(second.races.map(({ canvas }) => canvas)).toEqual([128, 256]);
  const [naive, , same] = second.races[1]!.standings;
  expect(naive).toMatchObject({ name: NAIVE, prompts: 2, totalMs: 1800, right: 2 });
  expect(same).toMatchObject({ prompts: 1, naiveMs: 900, totalMs: 30 });
  expect(second.longer?.beyond).toMatchObject({
    canvas: 1024,
    prompts: 2,
    totalMs: 60,
    naiveMs: 2 * 300 * 90,
  });

  asked.calls.length = 0;
  expect(await racePart(plan({ journal }), true)).toEqual(second);
  expect(asked.calls).toEqual([]);
});

test("without leave to measure there is what the journal has, and another recipe is another race", async () => {
  const journal = memoryJournal();
  await racePart(plan({ journal }), true);
  asked.calls.length = 0;
  const best = { preset: "localleap" };
  const other = await racePart(plan({ journal, best, contestants: ladder(best) }), false);
  expect(other).toEqual({ races: [], longer: null, isWhole: false });
  expect(asked.calls).toEqual([]);
});
