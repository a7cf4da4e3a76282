import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { finalAnswer } from "./task-prompts.ts";

test("the reference response of every held-out prompt is scored as right", async () => {
  const file = new URL("../../training/fixtures/heldout_tasks.jsonl", import.meta.url);
  const entries: { task: string; answer: string; response: string }[] = (await readFile(file, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(new Set(entries.map((entry) => entry.task)).size).toBe(13);
  for (const { answer, response } of entries) expect(finalAnswer(` ${response} `)).toBe(finalAnswer(answer));
});

test("spaces between tokens do not count, characters do", () => {
  expect(finalAnswer('answer {"name":  "Mia"}\n')).toBe('{"name": "Mia"}');
  expect(finalAnswer("answer 1 2")).not.toBe(finalAnswer("answer 12"));
});
