import { setImmediate } from "node:timers/promises";
import { UnmaskError } from "../core/errors.ts";
import { type CaseOutcome, replayGolden } from "../strategies/golden/replay.ts";
import type { Command } from "./command.ts";
import { readTextFile } from "./io/text-file.ts";

const MAX_FILE_BYTES = 64 * 1024 * 1024;

export const replayCommand: Command = {
  name: "replay",
  summary: "Replays recorded reference trajectories through our decoders.",
  usage: "FILE...",
  options: {},
  help: {},
  async run(positionals, _values, io) {
    if (positionals.length === 0) throw new UnmaskError("usage", "Name at least one golden file.");
    const files = [];
    const total = { passed: 0, skipped: 0, failed: 0 };
    for (const path of positionals) {
      // Replaying never yields, so a signal is only seen between the files.
      await setImmediate();
      if (io.signal.aborted) throw new UnmaskError("aborted", "Stopped before every file was replayed.");
      const { decoder, outcomes } = await replayFile(path);
      const passed = ids(outcomes, "passed").length;
      const skipped = ids(outcomes, "skipped").length;
      const failed = ids(outcomes, "failed");
      total.passed += passed;
      total.skipped += skipped;
      total.failed += failed.length;
      files.push({ decoder, cases: outcomes.length, passed, skipped, failed });
      io.print(`${decoder}: ${passed} passed, ${skipped} skipped, ${failed.length} failed`);
      for (const { id, outcome, why } of outcomes) if (outcome === "failed") io.print(`  ${id}: ${why}`);
    }
    io.print(`${total.passed} passed, ${total.skipped} skipped, ${total.failed} failed`);
    return { json: { files, ...total }, exitCode: total.failed > 0 ? 1 : 0 };
  },
};

function ids(outcomes: readonly CaseOutcome[], wanted: CaseOutcome["outcome"]): readonly string[] {
  return outcomes.filter(({ outcome }) => outcome === wanted).map(({ id }) => id);
}

async function replayFile(path: string): Promise<ReturnType<typeof replayGolden>> {
  const json = await readJson(path);
  try {
    return replayGolden(json);
  } catch (cause) {
    if (!(cause instanceof UnmaskError)) throw cause;
    throw new UnmaskError(cause.code, `${path}: ${cause.message}`, { cause, detail: { file: path } });
  }
}

async function readJson(path: string): Promise<unknown> {
  const text = await readTextFile(path, "The golden file", MAX_FILE_BYTES, "golden-invalid");
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UnmaskError("golden-invalid", `${path} is not JSON.`, { cause });
  }
}
