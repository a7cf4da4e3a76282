import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testModel } from "../../src/engine/run/scripted-model.ts";
import { openJournal } from "../harness/journal.ts";
import type { Lab } from "../harness/lab.ts";
import { planInfill } from "./infill.ts";
import { infillUnits } from "./infill-gaps.ts";
import { planNelbo } from "./nelbo.ts";
import { planPrecision } from "./precision.ts";
import { planQuantisation } from "./quantisation.ts";
import { planStories } from "./stories.ts";
import { longestCopies, worldStories } from "./story-copies.ts";
import { beginningsOf, heldOutStory } from "./story-units.ts";
import { planTasks, speedTargets } from "./tasks.ts";

const TEXT = new Map([
  ["worlds", ["The cat sat here. A dog ran to the old barn now. It was fun.", "Short one."]],
] as const);
const LLADA = { preset: "llada" };
/** Finds every token as probable as not. */
const TWIN = {
  folder: "",
  nats: async (ids: readonly number[], first: number) => (ids.length - first) * Math.LN2,
  [Symbol.asyncDispose]: async () => {},
};
const STORIES = {
  samples: 1,
  recipe: LLADA,
  plain: LLADA,
  parallel: { preset: "fast-dllm" },
  data: "/nowhere",
  worlds: undefined,
};

let folder: string;
let lab: Lab;
const model = testModel();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "unmask-parts-"));
  const progress = { begin: () => {}, done: () => {} };
  const journal = openJournal(join(folder, "j.jsonl"));
  lab = {
    model,
    identity: ["test"],
    journal,
    progress,
    signal: new AbortController().signal,
    spared: () => 0,
  };
});
afterAll(() => rm(folder, { recursive: true }));

test("likelihood: documents of the right length, the story prefix is given and not scored", async () => {
  const { json, table, targets } = await planNelbo(model, TEXT, {
    documents: 5,
    draws: 4,
    twin: TWIN,
  }).measure(lab);
  const [text] = TEXT.get("worlds")!;
  expect(json["groups"]).toMatchObject([{ group: "worlds", documents: 1, tokens: text!.length }]);
  const [{ nelbo, bitsPerByte }] = json["groups"] as [{ nelbo: number; bitsPerByte: number }];
  expect(nelbo).toBeGreaterThan(0);
  // a letter is a token and a byte
  expect(bitsPerByte).toBeCloseTo(nelbo / Math.LN2, 9);
  expect(table.rows).toHaveLength(1);
  // the twin is asked about the same tokens, behind the same prefix
  expect(json["groups"]).toMatchObject([{ twin: { value: Math.LN2 } }]);
  expect(targets).toEqual([]);
});

test("infill: a text is left out where a gap of free length begins with more cells than the canvas has left", () => {
  const texts = TEXT.get("worlds")!;
  const options = { gaps: 1, words: 1, draws: 1, recipe: LLADA };
  const count = (maxCanvas: number, isFree: boolean) => {
    const small = { ...model, manifest: { ...model.manifest, maxCanvas } };
    return infillUnits(small, "worlds", texts.slice(0, 1), { kind: "word", isFree }, options).length;
  };
  const sizes = Array.from({ length: 200 }, (_, i) => 10 + i);
  const fits = sizes.find((size) => count(size, false) === 1)!;
  const fitsFree = sizes.find((size) => count(size, true) === 1)!;
  expect(fitsFree).toBeGreaterThan(fits);
});

test("infill: gaps of the original's length, each kind that the text has", async () => {
  const options = { gaps: 3, words: 3, draws: 2, recipe: LLADA };
  const { json, table } = await planInfill(model, TEXT, options).measure(lab);
  const gaps = json["gaps"] as {
    kind: string;
    isFree: boolean;
    gaps: number;
    tokensRight: number;
    nelbo: number;
  }[];
  expect(gaps.map(({ kind, isFree, gaps: count }) => [kind, isFree, count])).toEqual([
    ["word", false, 1],
    ["sentence", false, 0],
    ["paragraph", false, 0],
    ["word", true, 1],
    ["sentence", true, 0],
  ]);
  // a length that was given is not found, one that is found has no likelihood
  expect(table.rows.map(([name, , , found]) => [name, found === "-"])).toContainEqual(["word, worlds", true]);
  expect(table.rows[3]!.slice(4)).toEqual(["-", "-", "-"]);
  expect(gaps[0]!.tokensRight).toBeLessThanOrEqual(1);
  expect(gaps[0]!.nelbo).toBeGreaterThan(0);
});

test("tasks: right is what ends with the model's own answer", async () => {
  const options = { title: "Tasks", recipe: LLADA, length: 6, targetsOf: speedTargets };
  const { json, targets } = await planTasks(model, prompts("nothing"), options).measure(lab);
  const [first] = json["tasks"] as { correct: number; prompts: number; forwards: number }[];
  expect(targets).toMatchObject([{ what: "tokens a forward on tasks", measured: "1.00", holds: false }]);
  expect(first).toMatchObject({ correct: 0, prompts: 1, forwards: 6 });
});

test("stories: three temperatures; copies are left out with a reason where there is no training text", async () => {
  const options = { ...STORIES, samples: 2, length: 12, twin: { skipped: "no twin" } };
  const { json, table } = await planStories(model, ["the cat", "a dog"], options).measure(lab);
  expect(json["rows"]).toMatchObject([
    { name: "0", stories: 2, copied: null, perplexity: null },
    { name: "0.5", stories: 2 },
    { name: "0.8", stories: 2 },
    { name: "0, one token a step", stories: 2 },
    { name: "0, threshold 0.9", stories: 2 },
  ]);
  expect(table.rows.at(-1)![0]).toBe("held-out text");
  expect(table.notes!.join(" ")).toContain("there is no /nowhere/tinystories-fragments.txt.xz");
  expect(table.notes!.join(" ")).toContain("no twin");
});

test("stories: words of the longest run that stands in the training text, worlds among it", async () => {
  const worlds = join(folder, "worlds.jsonl");
  await writeFile(worlds, `${JSON.stringify({ text: "Then the cat sat on the mat." })}\n`);
  expect(await longestCopies(["a b", "so the CAT sat, on top"], worldStories(worlds))).toEqual({
    runs: [0, 4],
  });
});

test("stories: a twin is shown the prompt and judges what was written, and the held-out text cut alike", async () => {
  const asked: (readonly [ids: readonly number[], first: number])[] = [];
  const twin = {
    ...TWIN,
    nats: async (ids: readonly number[], first: number) => {
      asked.push([ids, first]);
      return TWIN.nats(ids, first);
    },
  };
  const text = "the cat sat\non the mat and slept";
  const beginning = "the cat sat\non the mat";
  const length = model.tokenizer.encode(beginning).length + 5;
  const { json } = await planStories(model, [text], { ...STORIES, length, twin }).measure(lab);
  for (const { perplexity } of json["rows"] as { perplexity: number }[]) {
    expect(perplexity).toBeCloseTo(2);
  }
  expect(json["heldOut"]).toMatchObject({ perplexity: expect.closeTo(2), ended: 0, tokens: 5 });
  const before = [60, ...model.tokenizer.encode(beginning)];
  for (const [ids, first] of asked) {
    expect(ids.slice(0, first)).toEqual(before);
    expect(ids.length - first).toBeLessThanOrEqual(6);
  }
  expect(asked.at(-1)![0].slice(before.length)).toEqual([...model.tokenizer.encode(" and ")]);
});

test("stories: a held-out story that fits is judged with its end", async () => {
  const [beginning] = beginningsOf(model, ["the cat sat on the mat and slept"], 60);
  const { tokens, ended } = heldOutStory(beginning!);
  expect([tokens, ended]).toEqual([[...model.tokenizer.encode(" and slept")], true]);
});

test("quantisation: a model does not differ from itself, at any share of masks", async () => {
  const same = { reference: model, variants: new Map([["q4", model.denoiser]]), identity: ["f32"] };
  const list = [{ mode: "task", prompt: "abc" }] as const;
  const { json, table } = await planQuantisation(same, list, 40).measure(lab);
  expect(json["orders"]).toEqual([{ variant: "q4", tau: 1 }]);
  expect(json["states"]).toBe(6);
  for (const { byVariant } of json["ratios"] as {
    byVariant: { rows: number; kl: number; flips: number }[];
  }[]) {
    expect(byVariant[0]).toMatchObject({ kl: 0, flips: 0 });
    expect(byVariant[0]!.rows).toBeGreaterThan(0);
  }
  expect(table.rows.map(([ratio]) => ratio)).toEqual(["0.95", "0.8", "0.6", "0.4", "0.2", "0.05"]);
});

test("precision: a model loses nothing to itself", async () => {
  const same = { reference: model, identity: ["f32"] };
  const options = { documents: 2, draws: 3, prompts: prompts("nothing"), recipe: LLADA, length: 6 };
  const { json, targets } = await planPrecision(model, same, TEXT, options).measure(lab);
  expect(json).toMatchObject({ points: 0, gained: 0, lost: 0, p: 1, nats: [{ group: "worlds", loss: 0 }] });
  expect(targets).toMatchObject([{ what: "points of exact answers lost to float32", holds: true }]);
});

function prompts(answer: string) {
  return new Map([["t", [{ task: "t", prompt: "abc", answer }]]]);
}
