import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testModel } from "../../src/engine/run/scripted-model.ts";
import { openJournal } from "../harness/journal.ts";
import type { Lab } from "../harness/lab.ts";
import { planInfill } from "./infill.ts";
import { planNelbo } from "./nelbo.ts";
import { planQuantisation } from "./quantisation.ts";
import { planStories } from "./stories.ts";
import { planTasks } from "./tasks.ts";

const TEXT = new Map([
  ["worlds", ["The cat sat here. A dog ran to the old barn now. It was fun.", "Short one."]],
] as const);
const LLADA = { preset: "llada" };

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
  const { json, table } = await planNelbo(model, TEXT, { documents: 5, draws: 4 }).measure(lab);
  const [text] = TEXT.get("worlds")!;
  expect(json["groups"]).toMatchObject([{ group: "worlds", documents: 1, tokens: text!.length }]);
  const [{ nelbo, bitsPerByte }] = json["groups"] as [{ nelbo: number; bitsPerByte: number }];
  expect(nelbo).toBeGreaterThan(0);
  // a letter is a token and a byte
  expect(bitsPerByte).toBeCloseTo(nelbo / Math.LN2, 9);
  expect(table.rows).toHaveLength(1);
});

test("infill: gaps of the original's length, each kind that the text has", async () => {
  const { json } = await planInfill(model, TEXT, { gaps: 3, draws: 2, recipe: LLADA }).measure(lab);
  const gaps = json["gaps"] as { kind: string; gaps: number; tokensRight: number; nelbo: number }[];
  expect(gaps.map(({ kind, gaps: count }) => [kind, count])).toEqual([
    ["word", 1],
    ["sentence", 0],
    ["paragraph", 0],
  ]);
  expect(gaps[0]!.tokensRight).toBeLessThanOrEqual(1);
  expect(gaps[0]!.nelbo).toBeGreaterThan(0);
});

test("tasks: right is what ends with the model's own answer", async () => {
  const [first] = (await planTasks(model, prompts("nothing"), { recipe: LLADA, length: 6 }).measure(lab))
    .json["tasks"] as { correct: number; prompts: number; forwards: number }[];
  expect(first).toMatchObject({ correct: 0, prompts: 1, forwards: 6 });
});

test("stories: three temperatures; copies are left out with a reason where there is no training text", async () => {
  const options = { samples: 2, length: 12, recipe: LLADA, data: "/nowhere", twin: { skipped: "no twin" } };
  const { json, table } = await planStories(model, ["the cat", "a dog"], options).measure(lab);
  expect(json["temperatures"]).toMatchObject([
    { temperature: 0, stories: 2, copied: null },
    { temperature: 0.5, stories: 2 },
    { temperature: 0.8, stories: 2 },
  ]);
  expect(table.notes!.join(" ")).toContain("there is no /nowhere/tinystories-fragments.txt.xz");
  expect(table.notes!.join(" ")).toContain("no twin");
  expect(json["heldOutPerplexity"]).toBeNull();
});

test("stories: a twin is shown the prompt and judges what was written, and the held-out text cut alike", async () => {
  const asked: (readonly [ids: readonly number[], first: number])[] = [];
  const twin = {
    folder: "",
    nats: async (ids: readonly number[], first: number) => {
      asked.push([ids, first]);
      return (ids.length - first) * Math.LN2;
    },
    [Symbol.asyncDispose]: async () => {},
  };
  const options = { samples: 1, length: 5, recipe: LLADA, data: "/nowhere", twin };
  const text = "the cat sat on the mat and slept";
  const { json } = await planStories(model, [text], options).measure(lab);
  for (const { perplexity } of json["temperatures"] as { perplexity: number }[]) {
    expect(perplexity).toBeCloseTo(2);
  }
  expect(json["heldOutPerplexity"]).toBeCloseTo(2);
  const before = [60, ...model.tokenizer.encode("the cat sat on the mat")];
  for (const [ids, first] of asked) {
    expect(ids.slice(0, first)).toEqual(before);
    expect(ids.length - first).toBeLessThanOrEqual(6);
  }
  expect(asked.at(-1)![0].slice(before.length)).toEqual([...model.tokenizer.encode(" and ")]);
});

test("quantisation: a model does not differ from itself, at any share of masks", async () => {
  const same = { reference: model, variants: new Map([["q4", model.denoiser]]), identity: ["f32"] };
  const list = [{ task: "t", prompt: "abc", answer: "d" }];
  const { json, table } = await planQuantisation(same, list, 40).measure(lab);
  expect(json["states"]).toBe(6);
  for (const { byVariant } of json["ratios"] as {
    byVariant: { rows: number; kl: number; flips: number }[];
  }[]) {
    expect(byVariant[0]).toMatchObject({ kl: 0, flips: 0 });
    expect(byVariant[0]!.rows).toBeGreaterThan(0);
  }
  expect(table.rows.map(([ratio]) => ratio)).toEqual(["0.95", "0.8", "0.6", "0.4", "0.2", "0.05"]);
});

function prompts(answer: string) {
  return new Map([["t", [{ task: "t", prompt: "abc", answer }]]]);
}
