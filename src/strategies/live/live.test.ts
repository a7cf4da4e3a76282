import fc from "fast-check";
import { expect, test } from "vitest";
import { continuationCanvas } from "../canvas.ts";
import { decode, type StepEvent, startState } from "../decode.ts";
import { createOracle } from "../oracle/oracle.ts";
import { ORACLE_DEFAULTS } from "../oracle/oracle-logits.ts";
import { runScripted } from "../oracle/run-scripted.ts";
import { buildStrategy, findPreset } from "../recipe/presets.ts";
import { seededRng } from "../rng.ts";
import { testSettings } from "../testing/test-settings.ts";
import { carryDraft } from "./carry-draft.ts";
import { nextInput, SIMILARITY_DEFAULTS, STREAM_START, skipChance, textCosine } from "./similarity.ts";
import { streamBatch } from "./stream-batch.ts";

test("the chance to skip falls from 1 at the same input to 0 at the threshold", () => {
  const chances = [1, 0.995, 0.99, 0.98, 0.5].map((c) => skipChance(c, 0.98));
  for (const [i, expected] of [1, 0.75, 0.5, 0, 0].entries()) expect(chances[i]).toBeCloseTo(expected, 9);
  expect([skipChance(1, 1), skipChance(0.999, 1)]).toEqual([1, 0]);
});

test("similarity is 1 for the same text, symmetric, and falls with the edit", () => {
  const text = "Once upon a time there was a little fox who lived near a river";
  expect(textCosine(text, `${text} `)).toBeCloseTo(1, 12);
  expect(textCosine("", " ")).toBe(1);
  expect(textCosine("", text)).toBe(0);
  expect(textCosine(text, text.replace("fox", "cat"))).toBeGreaterThan(
    textCosine(text, text.replace("little fox", "big grey cat")),
  );
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      const c = textCosine(a, b);
      expect(c).toBeGreaterThanOrEqual(0);
      expect(c).toBeLessThanOrEqual(1);
      expect(textCosine(b, a)).toBeCloseTo(c, 12);
    }),
  );
});

test("the first input runs, one that is not new never does, a different one does", () => {
  const first = nextInput(STREAM_START, "a fox", SIMILARITY_DEFAULTS);
  expect(first.action).toBe("run");
  const same = nextInput(first.state, "a fox ", SIMILARITY_DEFAULTS);
  expect(same).toEqual({ action: "skip", state: first.state });
  expect(nextInput(first.state, "two bears", SIMILARITY_DEFAULTS)).toEqual({
    action: "run",
    state: { processed: "two bears", skipped: 0 },
  });
});

test("never more than the most skips in a row, and what is compared with is what was processed", () => {
  const options = { cosine: 0, mostSkips: 3 };
  let state = nextInput(STREAM_START, "text 0", options).state;
  const actions = [1, 2, 3, 4, 5].map((n) => {
    const next = nextInput(state, `text ${n}`, options, 1e-9);
    state = next.state;
    return next.action;
  });
  expect(actions).toEqual(["skip", "skip", "skip", "run", "skip"]);
  expect(state.processed).toBe("text 4");
});

test("with a draw the decision is by chance", () => {
  const { state } = nextInput(STREAM_START, "a long enough text to be alike", SIMILARITY_DEFAULTS);
  const input = "a long enough text to be alike!";
  const options = { cosine: 0.9, mostSkips: 10 };
  const chance = skipChance(textCosine(state.processed!, input), 0.9);
  expect(chance).toBeGreaterThan(0);
  expect(nextInput(state, input, options, chance - 0.01).action).toBe("skip");
  expect(nextInput(state, input, options, chance + 0.01).action).toBe("run");
});

test.each([
  ["typed what was predicted", "A fox", "A fox ran", " ran into the wood", " into the wood"],
  ["typed another word", "A fox", "A fox slept", " ran into the wood", " into the wood"],
  ["typed two other words", "A fox", "A fox slept in", " ran into the wood", " the wood"],
  ["typed all there was", "A fox", "A fox ran home again", " ran home", null],
  ["deleted the last word", "A fox ran", "A fox", " home", " ran home"],
  ["edited the beginning", "A fox ran", "A cat ran", " home", " home"],
  ["changed nothing", "A fox", "A fox", " ran", " ran"],
  ["began with nothing written", "A fox", "A cat", " ", null],
])("a user who %s keeps the rest as a draft", (_what, before, prompt, text, draft) => {
  expect(carryDraft({ prompt: before, text }, prompt)).toBe(draft);
});

const MASK = ORACLE_DEFAULTS.mask;

function decoderOf(preset: string, length: number) {
  const settings = testSettings(length, { block: 8, threshold: 0.5 });
  const strategy = buildStrategy(findPreset(preset), settings, {
    eos: [],
    pad: 61,
    delimiters: [],
    room: 40,
  });
  const traits = { maskId: MASK, suppress: [MASK], attention: { kind: "full" } } as const;
  return decode(strategy, traits, startState(continuationCanvas([1, 2], length, MASK)), seededRng(1));
}

test("streams at different steps share rounds, and each gives what it gives alone", () => {
  const scenes = [
    ["llada", 5],
    ["fast-dllm", 20],
    ["eb", 11],
  ] as const;
  const oracles = scenes.map(() => createOracle(3, ORACLE_DEFAULTS));
  const events: StepEvent[][] = scenes.map(() => []);
  const batch = streamBatch(
    scenes.map(([preset, length]) => decoderOf(preset, length)),
    (stream, event) => {
      if (event.type === "step") events[stream]!.push(event);
    },
  );
  const sizes: number[] = [];
  let turn = batch.next();
  while (turn.done !== true) {
    sizes.push(turn.value.length);
    turn = batch.next(turn.value.map(({ stream, request }) => oracles[stream]!.forward(request)));
  }
  expect(turn.value).toEqual(["complete", "complete", "complete"]);
  const alone = scenes.map(([preset, length]) =>
    runScripted(decoderOf(preset, length), createOracle(3, ORACLE_DEFAULTS)),
  );
  expect(events).toEqual(alone.map((run) => run.events));
  const steps = alone.map((run) => run.events.length);
  expect(sizes).toHaveLength(Math.max(...steps));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(steps.reduce((sum, n) => sum + n, 0));
  expect(sizes[0]).toBe(3);
});

test("a round that is not answered in full is an error", () => {
  const batch = streamBatch([decoderOf("llada", 3)], () => {});
  batch.next();
  expect(() => batch.next([])).toThrow(expect.objectContaining({ code: "internal" }));
});
