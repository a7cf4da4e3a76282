import { expect, test } from "vitest";
import type { Job } from "../../core/job.ts";
import { testModel } from "../run/scripted-model.ts";
import { agreement, writeSlowly } from "./fit-schedule.ts";

const JOBS: readonly Job[] = ["hello", "a b c"].map((prompt) => ({ kind: "generate", prompt, options: {} }));
const SIZES = { block: 8, length: 20 };
const GO = { stop: () => false };

test("the slow text tells the entropy of every commit, block by block", async () => {
  const counts: number[] = [];
  const texts = await writeSlowly(JOBS, testModel(), GO, SIZES, (n) => counts.push(n));
  expect(counts).toEqual([1, 2]);
  for (const { blocks } of texts) {
    expect(blocks.map((block) => block.length)).toEqual([8, 8, 4]);
    for (const { row, id, entropy, guesses } of blocks.flat()) {
      expect(entropy).toBeGreaterThan(0);
      expect(guesses.get(row)).toBe(id);
    }
  }
});

test("one token a step agrees with the slow text, all at once does not", async () => {
  const texts = await writeSlowly(JOBS, testModel(), GO, SIZES, () => {});
  const of = (table: readonly number[]) => agreement(texts, table, testModel(), GO, SIZES);
  expect(await of([1])).toBe(1);
  const all = await of([8]);
  expect(all).toBeGreaterThan(0);
  expect(all).toBeLessThan(1);
});
