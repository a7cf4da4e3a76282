import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CommandOutcome } from "./command.ts";
import { QUIET_IO } from "./io/quiet-io.ts";
import { replayCommand } from "./replay.ts";

const FIXTURES = join(import.meta.dirname, "../strategies/golden/fixtures");

const replay = (...files: string[]): Promise<CommandOutcome> => replayCommand.run(files, {}, QUIET_IO);

async function fileOf(text: string): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), "unmask-replay-")), "golden.json");
  await writeFile(path, text);
  return path;
}

test("counts the cases of every file", async () => {
  const names = ["llada", "fastdllm-nocache", "quotas", "oracle-vectors"];
  const { json, exitCode } = await replay(...names.map((name) => join(FIXTURES, `${name}.json`)));
  expect(exitCode).toBe(0);
  expect(json).toMatchObject({ passed: 164, skipped: 0, failed: 0 });
  expect(json["files"]).toContainEqual({ decoder: "llada", cases: 13, passed: 13, skipped: 0, failed: [] });
});

test("a decoder that is not built fails its cases by name and exits with 1", async () => {
  const path = await fileOf('{"format":"dlm-golden-1","decoder":"someday","cases":[{"id":"a"}]}');
  const { json, exitCode } = await replay(path);
  expect(exitCode).toBe(1);
  expect(json).toEqual({
    files: [{ decoder: "someday", cases: 1, passed: 0, skipped: 0, failed: ["a"] }],
    passed: 0,
    skipped: 0,
    failed: 1,
  });
});

test("bad files and no files have their own errors", async () => {
  await expect(replay()).rejects.toMatchObject({ code: "usage" });
  await expect(replay("/nowhere/golden.json")).rejects.toMatchObject({ code: "not-found" });
  await expect(replay(await fileOf("{"))).rejects.toMatchObject({ code: "golden-invalid" });
  await expect(replay(await fileOf("{}"))).rejects.toMatchObject({ code: "golden-invalid" });
});
