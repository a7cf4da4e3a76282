import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openJournal } from "./journal.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "unmask-journal-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("a reopened journal knows what was stored; a torn line is forgotten and does not spoil the next", async () => {
  const path = join(folder, "deep", "a.jsonl");
  openJournal(path).store(["m", "tasks", "1"], { right: true });
  await appendFile(path, '{"key":["m","tasks","2"],"val');
  const journal = openJournal(path);
  const schema = v.object({ right: v.boolean() });
  expect(journal.find(["m", "tasks", "1"], schema)).toEqual({ right: true });
  expect(journal.find(["m", "tasks", "2"], schema)).toBeUndefined();
  journal.store(["m", "tasks", "2"], { right: false });
  expect(openJournal(path).find(["m", "tasks", "2"], schema)).toEqual({ right: false });
  expect((await readFile(path, "utf8")).split("\n")).toHaveLength(4);
});

test("a value of another shape counts as absent", () => {
  const journal = openJournal(join(folder, "b.jsonl"));
  journal.store(["k"], { old: 1 });
  expect(journal.find(["k"], v.object({ now: v.number() }))).toBeUndefined();
});

test("a journal that cannot be written is an error at once", () => {
  expect(() => openJournal("/dev/null/x.jsonl")).toThrow(expect.objectContaining({ code: "write-failed" }));
});
