import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileConstraint, vocabularyOf } from "../../constraints/constraint.ts";
import type { Constraint } from "../../constraints/input.ts";
import type { GenerateEvent } from "../../core/events.ts";
import type { Job } from "../../core/job.ts";
import type { ForwardRequest } from "../../core/types.ts";
import { storeFilter } from "../../model/commit-filter.ts";
import { PRESETS } from "../../strategies/recipe/presets.ts";
import { runJob } from "./run-job.ts";
import { FACTS, testModel } from "./scripted-model.ts";

const RECIPES = Object.keys(PRESETS).filter((name) => {
  const { overrules, continuationOnly } = PRESETS[name]!;
  // A draft may violate a constraint, so warm-start takes none.
  return overrules !== true && continuationOnly !== true && name !== "warm-start";
});

/** Filters that accept every cell, so that learn2pd commits whole blocks. */
const filters = Array.from({ length: 20 }, (_, i) => {
  const size = i + 1;
  const zeros = new Array<number>(size).fill(0);
  const filter = { size, w1: [zeros], b1: [0], w2: zeros.map(() => [0]), b2: zeros.map(() => 4) };
  return storeFilter(filter, "int8");
});

type Done = Extract<GenerateEvent, { type: "done" }>;

/** Runs a job to its end and hands every canvas on the way to `look`. */
async function done(
  job: Job,
  eosRate: number,
  look: (canvas: Int32Array, promptLen: number) => void = () => {},
): Promise<Done> {
  let last: GenerateEvent | undefined;
  let canvas = new Int32Array(0);
  let promptLen = 0;
  const model = { ...testModel(eosRate), manifest: { ...FACTS, filters } };
  for await (const event of runJob(job, model, { stop: () => false })) {
    last = event;
    if (event.type === "start") {
      canvas = Int32Array.from(event.canvas);
      promptLen = event.promptLen;
    }
    if (event.type !== "step") continue;
    for (const { row, id } of event.commits) canvas[row] = id;
    for (const { row } of event.remasks) canvas[row] = FACTS.tokens.mask;
    for (const { row, id } of event.overwrites) canvas[row] = id;
    look(canvas, promptLen);
  }
  if (last?.type !== "done") throw new Error("no done event");
  return last;
}

/** Whether some filling of the masks satisfies the constraint: asked of a new automaton, which remembers nothing. */
function viability(constraint: Constraint): (canvas: Int32Array, promptLen: number) => boolean {
  const { tokenizer } = testModel();
  const { mask, eos, pad, suppress = [] } = FACTS.tokens;
  const vocabulary = vocabularyOf(tokenizer, [...eos, pad!], [mask, ...suppress]);
  const compiled = compileConstraint(constraint, vocabulary, (text) => tokenizer.encode(text));
  return (canvas, promptLen) =>
    compiled.track(canvas, { start: promptLen, end: canvas.length }, mask).isFeasible();
}

const CONSTRAINTS: readonly (readonly [Constraint, (text: string) => boolean])[] = [
  ...["[a-f]+ [A-F]{3}", "(ab|cd|efg){2,6}", "x?(yz)*w", "[a-z ]{5,12}\\."].map(
    (regex): readonly [Constraint, (text: string) => boolean] => [
      { regex },
      (text) => new RegExp(`^(?:${regex})$`, "u").test(text),
    ],
  ),
  // The alphabet of the test model has no brackets: what a schema says without them.
  [{ jsonSchema: { enum: [true, false, null] } }, (text) => ["true", "false", "null"].includes(text)],
  [{ banned: ["a", "bc"], required: ["zz"] }, (text) => !/a|bc/.test(text) && text.includes("zz")],
];

describe.each(RECIPES)("P15: %s", (preset) => {
  test("what is written under a constraint satisfies it, and could at every step", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...CONSTRAINTS),
        fc.integer({ min: 12, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(1000),
        fc.constantFrom(0, 0.9),
        fc.constantFrom(0, 60),
        fc.constantFrom("greedy", "best"),
        async ([parts, holds], length, block, seed, warmth, eosRate, path) => {
          const temperature = PRESETS[preset]!.greedy === true || path === "best" ? 0 : warmth;
          const constraint = { ...parts, path };
          const recipe = { preset, length, block, temperature, constraint };
          const job: Job = { kind: "generate", prompt: "abc", options: { recipe, seed } };
          const isViable = viability(parts);
          const { text } = await done(job, eosRate, (canvas, promptLen) => {
            expect(isViable(canvas, promptLen)).toBe(true);
          });
          expect(holds(text!), text).toBe(true);
        },
      ),
      { numRuns: 12 },
    );
  });
});

test("behind a space the constraint holds for the text that is shown", async () => {
  const shapes = ["[a-z ]{8,9}", " [a-f]+ [a-f]+", "[ a-c]+"];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...shapes),
      fc.constantFrom(0, 0.9),
      fc.nat(1000),
      async (regex, temperature, seed) => {
        const matching = expect.stringMatching(new RegExp(`^(?:${regex})$`, "u"));
        const options = {
          seed,
          recipe: { preset: "fast-dllm", length: 12, temperature, constraint: { regex } },
        };
        const { text } = await done({ kind: "generate", prompt: "abc ", options }, 60);
        expect(text).toEqual(matching);
        const { filled } = await done({ kind: "infill", text: "ab [[9]] c[[9]][[9]] d", options }, 0);
        expect(filled).toEqual([matching, matching, matching]);
      },
    ),
    { numRuns: 40 },
  );
});

test("a search is told whether the text that is shown satisfies a constraint", async () => {
  const regex = " [a-z]+";
  const recipe = {
    preset: "fast-dllm",
    length: 6,
    temperature: 1,
    stop: { eos: false },
    search: { method: "best-of", n: 8, score: { constraint: { regex } } },
  };
  const { search } = await done({ kind: "generate", prompt: "abc ", options: { recipe, seed: 3 } }, 0);
  for (const { text, score } of search!.candidates) {
    expect(score).toBe(new RegExp(`^${regex}$`).test(text) ? 1 : 0);
  }
});

test("the best path (DINGO) writes the tokens of a step together that one by one rule each other out", async () => {
  let fewer = 0;
  for (let seed = 0; seed < 12; seed++) {
    const forwards = async (path: string): Promise<number> => {
      const constraint = { regex: "([a-f]{2}|[g-k] [l-p]|q[r-v]w){2,6}", path };
      const recipe = { preset: "fast-dllm", threshold: 0, length: 10, block: 10, constraint };
      const words = ["ab", "cd", "efg", "hello", "x y", "zoo", "dear", "my", "no", "Oh", "you", "we"];
      const job: Job = { kind: "generate", prompt: words[seed]!, options: { recipe } };
      return (await done(job, 0)).nfe;
    };
    const [one, all] = [await forwards("greedy"), await forwards("best")];
    expect(all).toBe(1);
    if (one > all) fewer++;
  }
  expect(fewer).toBeGreaterThan(3);
});

test("each gap of an infill satisfies it by itself", async () => {
  const recipe = { preset: "fast-dllm", threshold: 0.1, constraint: { regex: "[a-c]+" } };
  const { filled } = await done({ kind: "infill", text: "xy [[4]] z [[2]]", options: { recipe } }, 0);
  expect(filled).toHaveLength(2);
  for (const text of filled!) expect(text).toMatch(/^[a-c]+$/);
});

test("a gap of free length is given cells that the constraint can fill", async () => {
  const filled = async (text: string, constraint: Constraint) =>
    (await done({ kind: "infill", text, options: { recipe: { preset: "llada", constraint } } }, 0)).filled;
  const [date] = (await filled("ab [[?]] c", { regex: "[a-j]{4} [a-j]{2} [a-j]{2}" }))!;
  expect(date).toMatch(/^[a-j]{4} [a-j]{2} [a-j]{2}$/);
  expect(await filled("ab[[?]]c [[3]][[?]]d", { regex: "[ab]{3}" })).toEqual(
    new Array(3).fill(expect.stringMatching(/^[ab]{3}$/)),
  );
  // Longer than any gap is without a constraint.
  expect((await filled("ab[[?]]c", { regex: "x{40}" }))![0]).toBe("x".repeat(40));
  await expect(filled("ab[[?]]c", { regex: "x{99}" })).rejects.toThrow("its shortest text needs 99 tokens");
});

test("what is wrong with a constraint is said before the length of a gap is found", async () => {
  const seen: ForwardRequest[] = [];
  const options = { recipe: { preset: "llada", constraint: { regex: "a(" } } };
  const run = runJob({ kind: "infill", text: "a [[?]] b", options }, testModel(0, seen), {
    stop: () => false,
  });
  await expect(run.next()).rejects.toThrow("position");
  expect(seen).toEqual([]);
});

test("literals stand in their cells", async () => {
  const constraint = { literals: [{ at: 3, text: "hello" }] };
  const recipe = { preset: "llada", length: 12, constraint, stop: { eos: false } };
  const { text } = await done({ kind: "generate", prompt: "abc", options: { recipe } }, 0);
  expect(text!.slice(3, 8)).toBe("hello");
});

test.each([
  [{ preset: "llada", length: 4, constraint: { regex: "[a-z]{9}" } }, "cannot be met in 4 cells"],
  [{ preset: "rediff", length: 8, constraint: { regex: "a+" } }, "takes no constraint"],
  [{ preset: "daedal", length: 8, constraint: { regex: "a+" } }, "takes no constraint"],
  [{ preset: "llada", length: 8, constraint: { regex: "a(" } }, "position"],
  [{ preset: "llada", length: 8, constraint: { path: "best" } }, "needs one of"],
  [{ preset: "llada", temperature: 1, constraint: { regex: "a+", path: "best" } }, "a temperature does not"],
])("%j is refused", async (recipe, sentence) => {
  const job: Job = { kind: "generate", prompt: "abc", options: { recipe } };
  await expect(done(job, 0)).rejects.toMatchObject({
    code: "invalid-options",
    message: expect.stringContaining(sentence),
  });
});
